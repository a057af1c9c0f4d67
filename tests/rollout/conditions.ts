/** What the API and the load balancer may be like during rollouts, as data. */
import type { FaultRule } from "../emulator/faults.ts";
import { SENDS } from "./group.ts";

/** What rollouts have to stand. */
export interface Condition {
  readonly name: string;
  /** A sentence without a full stop. */
  readonly what: string;
  readonly faults?: readonly FaultRule[];
  /** How long new connections come after DeregisterTargets, in seconds of a real cluster. */
  readonly sends: number;
}

/** How slow the slow API is, in milliseconds: not any faster here, as the sidecar's limits are not. */
const SLOW = 2_000;

export const CONDITIONS: readonly Condition[] = [
  {
    name: "plain",
    what: `new connections come for ${SENDS} s after DeregisterTargets`,
    sends: SENDS,
  },
  {
    name: "sends-60",
    what: "new connections come for 60 s after DeregisterTargets",
    sends: 60,
  },
  {
    name: "throttled",
    what: "one in five calls of the API is throttled",
    faults: [{ what: "throttle", occurrence: { probability: 0.2, seed: 5 } }],
    sends: SENDS,
  },
  {
    name: "slow",
    what: `each call of the API takes ${SLOW / 1_000} s`,
    faults: [{ what: "delay", before: SLOW }],
    sends: SENDS,
  },
];

/**
 * A condition by its name.
 * @throws {RangeError} There is none of that name.
 */
export function conditionNamed(name: string): Condition {
  const found = CONDITIONS.find((one) => one.name === name);
  if (found) return found;
  const names = CONDITIONS.map((one) => one.name).join(", ");
  throw new RangeError(`"${name}" is no condition; it is one of ${names}`);
}
