/** What is measured of a life: a table of times between two of its moments. */
import type { Life } from "./life.ts";

/** The measure that the bar is about. */
export const SIGTERM_TO_DEREGISTER = "SIGTERM → DeregisterTargets";

/** Milliseconds; undefined where a life has no such moment. */
export type Measure = (life: Life) => number | undefined;

/** All measures, in the order in which a life meets them. */
export const MEASURES: Readonly<Record<string, Measure>> = {
  "start → first request": (life) => sinceStart(life, Math.min(...life.receivedAt.values())),
  "start → RegisterTargets": (life) => sinceStart(life, life.receivedAt.get("RegisterTargets")),
  [SIGTERM_TO_DEREGISTER]: (life) => sinceSignal(life, life.receivedAt.get("DeregisterTargets")),
  "SIGTERM → exit": (life) => sinceSignal(life, life.exitedAt),
};

function sinceStart({ startedAt }: Life, moment = Infinity): number | undefined {
  return Number.isFinite(moment) ? moment - startedAt : undefined;
}

function sinceSignal({ signalledAt }: Life, moment?: number): number | undefined {
  return moment === undefined ? undefined : moment - signalledAt;
}
