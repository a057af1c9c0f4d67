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
}

/** All pods in the order in which they were created. */
export function rowsOf(events: readonly Event[], now: number): Row[] {
  const ofPods = events.flatMap((event) => "pod" in event ? [event] : []);
  return [...Map.groupBy(ofPods, ({ pod }) => pod)].map(([pod, own]) => {
    const scheduled = own.find((event) => event.kind === "scheduled");
    return { pod, ip: scheduled?.ip, spans: spansOf(own, now) };
  });
}

function spansOf(events: readonly Event[], now: number): Span[] {
  const spans: Span[] = [];
  let state: State = "starting";
  let from = events[0]?.at ?? now;
  for (const event of events) {
    const next = following(event, state);
    if (next === undefined || next === state) continue;
    spans.push({ state, from, to: event.at });
    [state, from] = [next, event.at];
  }
  const to = events.find(({ kind }) => kind === "gone")?.at ?? now;
  return [...spans, { state, from, to }];
}

function following(event: Event, state: State): State | undefined {
  const isTerminating = state === "draining" || state === "ending";
  switch (event.kind) {
    case "ready":
      return isTerminating ? undefined : "in service";
    case "unready":
      return isTerminating ? undefined : "not ready";
    case "terminating":
      return "draining";
    case "signal":
      return event.container === NAME && state === "draining" ? "ending" : undefined;
    default:
      return undefined;
  }
}
