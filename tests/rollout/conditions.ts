/** What rollouts have to stand, and sidecars that are broken on purpose, as data. */
import type { FaultRule } from "../emulator/faults.ts";
import type { ManifestChanges } from "./manifests.ts";

/** How the load balancer, the API and the cluster are, and what is changed in the manifest. */
export interface Condition {
  readonly name: string;
  /** What it means, without a full stop. */
  readonly what: string;
  readonly faults?: readonly FaultRule[];
  /** How long new connections come after DeregisterTargets, in seconds of a real cluster. */
  readonly sends?: number;
  readonly changes?: ManifestChanges;
  /** Where the kubelet calls from, if not from its node's address. */
  readonly kubeletCallsFrom?: "bridge";
}

/**
 * How long new connections go to a target after DeregisterTargets, in real seconds, as users
 * measured it: aws/containers-roadmap issue 470, aws-load-balancer-controller issue 2366.
 */
export const SENDS = 120;

/** How slow the slow API is, in milliseconds: not scaled, as the limits of calls are not. */
const SLOW = 2_000;

export const CONDITIONS: readonly Condition[] = [
  { name: "plain", what: `new connections come for ${SENDS} s after DeregisterTargets` },
  ...[60, 140, 180, 300].map((sends) => ({
    ...{ name: `sends-${sends}`, sends },
    what: `new connections come for ${sends} s after DeregisterTargets`,
  })),
  {
    name: "bridge",
    what: "the kubelet calls from a bridge's address, which -drain-allow admits",
    changes: { args: ["-drain-allow=127.0.0.0/8"] },
    kubeletCallsFrom: "bridge",
  },
  {
    name: "throttled",
    what: "one in five calls of the API is throttled",
    faults: [{ what: "throttle", occurrence: { probability: 0.2, seed: 5 } }],
  },
  {
    name: "slow",
    what: `each call of the API takes ${SLOW / 1_000} s`,
    faults: [{ what: "delay", before: SLOW }],
  },
];

/** Each has to be noticed: connections fail. */
export const BREAKAGES: readonly Condition[] = [
  {
    name: "does not wait for the drain",
    what: "/drain answers as soon as the target is deregistered",
    changes: { args: ["-min-drain-time=0s", "-wait-drained-timeout=1s"] },
  },
  {
    name: "answers /drain early",
    what: "the hook is answered at once, and the target deregistered at SIGTERM",
    changes: { preStopPath: "/livez" },
  },
  {
    name: "refuses the hook",
    what: "the kubelet calls from a bridge's address, which may not call /drain",
    kubeletCallsFrom: "bridge",
  },
  {
    name: "never deregisters",
    what: "each DeregisterTargets call is refused",
    faults: [{ what: "access-denied", action: "DeregisterTargets" }],
  },
];
