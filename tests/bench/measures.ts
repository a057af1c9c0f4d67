/** What is measured of a life, against which program, and how good is good enough. */
import type { Bar } from "./bar.ts";
import type { Life } from "./life.ts";
import { BARE_FETCH, EMPTY } from "./programs.ts";

/** One measure of a life. */
export interface Measure {
  readonly name: string;
  readonly unit: "ms" | "MB";
  /** The program whose figure others are compared with. */
  readonly floor: string;
  readonly bar?: Bar;
  /** Undefined where a life has no such moment. */
  of(life: Life): number | undefined;
}

export const START_TO_REGISTER: Measure = {
  name: "start → RegisterTargets",
  unit: "ms",
  floor: BARE_FETCH,
  bar: { ratio: 1.4 },
  of: (life) => sinceStart(life, life.receivedAt.get("RegisterTargets")),
};

export const STOP_TO_DEREGISTER: Measure = {
  name: "SIGTERM → DeregisterTargets",
  unit: "ms",
  floor: BARE_FETCH,
  bar: { ratio: 1.5, orAtMost: 5 },
  of: (life) => sinceSignal(life, life.receivedAt.get("DeregisterTargets")),
};

/** All measures, in the order in which a life meets them. */
export const MEASURES: readonly Measure[] = [
  {
    name: "start → first request",
    unit: "ms",
    floor: BARE_FETCH,
    of: (life) => sinceStart(life, Math.min(...life.receivedAt.values())),
  },
  START_TO_REGISTER,
  STOP_TO_DEREGISTER,
  {
    name: "SIGTERM → exit",
    unit: "ms",
    floor: BARE_FETCH,
    of: (life) => sinceSignal(life, life.exitedAt),
  },
  {
    name: "resident memory, idle",
    unit: "MB",
    floor: EMPTY,
    bar: { ratio: 1.45 },
    of: ({ memory }) => memory.resident,
  },
  {
    name: "private memory, idle",
    unit: "MB",
    floor: EMPTY,
    bar: { ratio: 1.6 },
    of: ({ memory }) => memory.private,
  },
  {
    name: "resident memory, peak",
    unit: "MB",
    floor: EMPTY,
    of: ({ memory }) => memory.peak,
  },
];

function sinceStart({ startedAt }: Life, moment = Infinity): number | undefined {
  return Number.isFinite(moment) ? moment - startedAt : undefined;
}

function sinceSignal({ signalledAt }: Life, moment?: number): number | undefined {
  return moment === undefined ? undefined : moment - signalledAt;
}
