/** The state machine of the intent as its documentation shows it: a table and a diagram. */
import {
  type Intent,
  INTENT_STATES,
  type IntentEvent,
  nextIntent,
} from "../../../lib/lifecycle/intent.ts";
import type { DrainOutcome } from "../../../lib/lifecycle/outcome.ts";

export const DRAINED: DrainOutcome = { outcome: "drained" };
export const FAILED: DrainOutcome = { outcome: "failed", reason: "not confirmed" };

/** What the pod's grace period is, where the moment of an event counts. */
export const GRACE = 3;

const CAUSE = new Error("cause");

/** Every event, by the heading of its column; `at` is when it happens. */
export const EVENTS: Readonly<Record<string, (at: number) => IntentEvent>> = {
  "/drain": (at) => ({ event: "drain", at }),
  "/register": () => ({ event: "register" }),
  "application returned": () => ({ event: "application-returned" }),
  "stop": (at) => ({ event: "stop", at, cause: CAUSE }),
  "second stop": () => ({ event: "second-stop" }),
  "step failed": (at) => ({ event: "failed", at, cause: CAUSE }),
  "drain ended": () => ({ event: "drain-ended", outcome: DRAINED }),
  "drain failed": () => ({ event: "drain-ended", outcome: FAILED }),
  "begun": () => ({ event: "begun" }),
  "all done": () => ({ event: "ended", outcome: DRAINED }),
};

const stopping = (drain: "none" | "awaited" | "ended", forced = false): Intent => ({
  ...{ state: "stopping", since: 0, cause: CAUSE, forced, drain },
});

/** Every intent that differs in what it leads to, by the heading of its row. */
export const INTENTS: Readonly<Record<string, Intent>> = {
  "serving": { state: "serving" },
  "draining": { state: "draining", since: 0, next: "wait" },
  "draining, then again": { state: "draining", since: 0, next: "requested" },
  "drained": { state: "drained", since: 0, outcome: DRAINED },
  "drain failed": { state: "drained", since: 0, outcome: FAILED },
  "returning": { state: "returning", since: 0, outcome: DRAINED, reason: "requested" },
  "returning, drain failed": {
    ...{ state: "returning", since: 0, outcome: FAILED, reason: "requested" },
  },
  "failed": { state: "stopping", since: undefined, cause: CAUSE, forced: false, drain: "none" },
  "failed, drain awaited": {
    ...{ state: "stopping", since: undefined, cause: CAUSE, forced: false, drain: "awaited" },
  },
  "failed, drain over": {
    ...{ state: "stopping", since: undefined, cause: CAUSE, forced: false, drain: "ended" },
  },
  "stopping": stopping("none"),
  "stopping, drain awaited": stopping("awaited"),
  "stopping, drain over": stopping("ended"),
  "forced stop": stopping("none", true),
  "forced stop, drain awaited": stopping("awaited", true),
  "forced stop, drain over": stopping("ended", true),
  "ended": { state: "ended", outcome: DRAINED },
};

/** The heading of an intent's row. */
export function nameOf(intent: Intent): string {
  switch (intent.state) {
    case "draining":
      return intent.next === "wait" ? "draining" : "draining, then again";
    case "drained":
      return intent.outcome === DRAINED ? "drained" : "drain failed";
    case "returning":
      return intent.outcome === DRAINED ? "returning" : "returning, drain failed";
    case "stopping": {
      const drain = { none: "", awaited: ", drain awaited", ended: ", drain over" }[intent.drain];
      const how = intent.forced ? "forced stop" : "stopping";
      return `${intent.since === undefined && !intent.forced ? "failed" : how}${drain}`;
    }
    default:
      return intent.state;
  }
}

/** The table of all pairs: the intent that follows; `·` where nothing changes. */
export function intentTable(): string[][] {
  return [
    ["", ...Object.keys(EVENTS)],
    ...Object.entries(INTENTS).map(([name, intent]) => [
      name,
      ...Object.values(EVENTS).map((event) => {
        const next = nextIntent(intent, event(1), GRACE);
        return next === intent ? "·" : nameOf(next);
      }),
    ]),
  ];
}

/** The diagram: an arrow for each pair of states, with all events that lead from one to the other. */
export function intentDiagram(): string {
  const arrows = new Map<string, Set<string>>();
  for (const intent of Object.values(INTENTS)) {
    for (const [heading, event] of Object.entries(EVENTS)) {
      const { state } = nextIntent(intent, event(1), GRACE);
      if (state === intent.state) continue;
      const arrow = `${intent.state} --> ${state}`;
      arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(heading));
    }
  }
  const order = [...arrows].sort(([one], [other]) => indexOf(one) - indexOf(other));
  const lines = order.map(([arrow, events]) => `  ${arrow}: ${[...events].join(", ")}`);
  return ["stateDiagram-v2", "  [*] --> serving", ...lines, "  ended --> [*]"].join("\n");
}

function indexOf(arrow: string): number {
  return INTENT_STATES.findIndex((state) => arrow.startsWith(state));
}
