/** The states of pods through time, read off the cluster's events. */
import type { Event } from "../cluster/events.ts";
import { NAME } from "./manifests.ts";

/** What a pod is doing, as its users would call it. */
export const STATES = ["starting", "in service", "not ready", "draining", "ending"] as const;
export type State = typeof STATES[number];

/** A time in one state; in milliseconds since the cluster's start. */
export interface Span {
  readonly state: State;
  readonly from: number;
  readonly to: number;
}

/** A pod, and what it did until it was gone, or until now. */
export interface Row {
  readonly pod: string;
  readonly ip: string | undefined;
  readonly spans: readonly Span[];
  readonly isGone: boolean;
}

interface Draft {
  readonly pod: string;
  ip: string | undefined;
  readonly spans: Span[];
  state: State;
  since: number;
  isGone: boolean;
}

/** All pods in the order in which they were created. */
export function rowsOf(events: readonly Event[], now: number): Row[] {
  const rows = new Map<string, Draft>();
  for (const event of events) {
    if (!("pod" in event)) continue;
    const row = rows.get(event.pod) ?? begin(event);
    rows.set(event.pod, row);
    if (event.kind === "scheduled") row.ip = event.ip;
    const next = following(event, row.state);
    if (next !== undefined && next !== row.state) move(row, next, event.at);
    if (event.kind !== "gone") continue;
    move(row, row.state, event.at);
    row.isGone = true;
  }
  return [...rows.values()].map((row) => {
    if (!row.isGone) move(row, row.state, now);
    return { pod: row.pod, ip: row.ip, spans: row.spans, isGone: row.isGone };
  });
}

function begin({ pod, at }: Event & { readonly pod: string }): Draft {
  return { pod, ip: undefined, spans: [], state: "starting", since: at, isGone: false };
}

function following(event: Event, state: State): State | undefined {
  const isLeaving = state === "draining" || state === "ending";
  switch (event.kind) {
    case "ready":
      return isLeaving ? undefined : "in service";
    case "unready":
      return isLeaving ? undefined : "not ready";
    case "terminating":
      return "draining";
    case "signal":
      return event.container === NAME && state === "draining" ? "ending" : undefined;
    default:
      return undefined;
  }
}

function move(row: Draft, state: State, at: number): void {
  row.spans.push({ state: row.state, from: row.since, to: at });
  row.state = state;
  row.since = at;
}
