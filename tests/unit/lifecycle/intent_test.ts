/** The state machine of the intent: as its page shows it, and what holds whatever happens. */
import { assert, assertEquals } from "@std/assert";
import {
  type Intent,
  type IntentEvent,
  isDrainAwaited,
  nextIntent,
} from "../../../lib/lifecycle/intent.ts";
import type { DrainOutcome } from "../../../lib/lifecycle/outcome.ts";
import { read } from "../modules.ts";

const PAGE = "docs/intent.md";

const DRAINED: DrainOutcome = { outcome: "drained" };
const FAILED: DrainOutcome = { outcome: "failed", reason: "not confirmed" };

/** What the pod's grace period is, where the moment of an event counts. */
const GRACE = 3;

const CAUSE = new Error("cause");

/** All states, in the order of a lifecycle. */
const STATES = Object.keys(
  { serving: 0, draining: 0, drained: 0, returning: 0, stopping: 0, ended: 0 } satisfies Record<
    Intent["state"],
    0
  >,
);

/** All kinds of events. */
const KINDS = Object.keys(
  {
    ...{ "drain": 0, "register": 0, "application-returned": 0, "stop": 0, "second-stop": 0 },
    ...{ "failed": 0, "drain-ended": 0, "begun": 0, "ended": 0 },
  } satisfies Record<IntentEvent["event"], 0>,
);

/** Every event, by the heading of its column; `at` is when it happens. */
const EVENTS: Readonly<Record<string, (at: number) => IntentEvent>> = {
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
const INTENTS: Readonly<Record<string, Intent>> = {
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
function nameOf(intent: Intent): string {
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
function intentTable(): string[][] {
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
function intentDiagram(): string {
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
  return STATES.findIndex((state) => arrow.startsWith(state));
}

Deno.test("the page's table has every pair of intent and event, and what follows from it", () => {
  const rows = read(PAGE).split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")))
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
  assertEquals(rows, intentTable());
  const states = Object.values(INTENTS).map(({ state }) => state);
  assertEquals(new Set(states), new Set(STATES));
  const events = Object.values(EVENTS).map((event) => event(0).event);
  assertEquals(new Set(events), new Set(KINDS));
});

Deno.test("the page's diagram is the state machine's", () => {
  const [, diagram] = /```mermaid\n(stateDiagram[\s\S]*?)\n```/.exec(read(PAGE)) ?? [];
  assertEquals(diagram, intentDiagram());
});

/** What clients, signals and the lifecycle have done so far, kept apart from the machine. */
interface History {
  /** A drain was requested, and neither `/register` nor the application's return came since. */
  readonly drainStands: boolean;
  readonly clientWaits: boolean;
  readonly stopped: boolean;
  readonly forced: boolean;
}

const NOTHING: History = { drainStands: false, clientWaits: false, stopped: false, forced: false };

function remember(history: History, { event }: IntentEvent, from: Intent, to: Intent): History {
  const { drainStands, clientWaits, stopped, forced } = history;
  switch (event) {
    case "drain":
      return { ...history, drainStands: true, clientWaits: clientWaits || !("outcome" in to) };
    case "register":
    case "application-returned":
      return { ...history, drainStands: drainStands && stopped };
    case "stop":
    case "failed":
      return { ...history, stopped: true };
    case "second-stop":
      return { ...history, forced: forced || (stopped && from.state === "stopping") };
    case "drain-ended":
      return { ...history, clientWaits: clientWaits && !isDrainAwaited(from) };
    case "ended":
      return { ...history, clientWaits: clientWaits && !stopped };
    case "begun":
      return history;
  }
}

/** What has to hold after every event; the promise that is broken, if one is. */
function broken(
  history: History,
  event: IntentEvent,
  from: Intent,
  to: Intent,
): string | undefined {
  const { drainStands, clientWaits, stopped, forced } = history;
  const isBound = to.state === "serving" || to.state === "returning";
  const isStopped = to.state === "stopping" || to.state === "ended";
  if (drainStands && isBound) return "a drain that stands leads to registering";
  if (stopped !== isStopped) return "a stop is for good, and only a stop or a failure stops";
  if (clientWaits !== isDrainAwaited(to)) return "every client of /drain is answered once";
  if (to.state === "stopping" && to.forced !== forced) return "forced without a second stop";
  if (to.state === "serving" && from.state !== "serving" && event.event !== "begun") {
    return "it serves again without a new registration cycle";
  }
  if (
    to.state === "returning" && from.state !== "drained" && !("outcome" in event) && to !== from
  ) {
    return "it returns before the drain has ended";
  }
  const isSign = "at" in event && from.state !== "stopping" && "since" in to;
  if (isSign && event.at - (to.since ?? event.at) >= GRACE) {
    return "a new drain or stop counts from a grace period that is over";
  }
  const since = "since" in from ? from.since : undefined;
  if ("since" in to && since !== undefined && to.since !== undefined && to.since < since) {
    return "time goes back";
  }
  return undefined;
}

Deno.test("every promise holds after every sequence of up to seven events", () => {
  // What leads to the same intent with the same past is followed once, and counted.
  let reached = new Map<string, { intent: Intent; history: History; sequences: number }>();
  reached.set("", { intent: { state: "serving" }, history: NOTHING, sequences: 1 });
  let sequences = 1;
  for (let at = 1; at <= 7; at++) {
    const next: typeof reached = new Map();
    for (const from of reached.values()) {
      for (const make of Object.values(EVENTS)) {
        const event = make(at);
        const intent = nextIntent(from.intent, event, GRACE);
        const history = remember(from.history, event, from.intent, intent);
        const promise = broken(history, event, from.intent, intent);
        assert(promise === undefined, `${promise}: ${JSON.stringify({ from, event, intent })}`);
        const key = JSON.stringify([intent, history]);
        const others = next.get(key)?.sequences ?? 0;
        next.set(key, { intent, history, sequences: from.sequences + others });
      }
    }
    reached = next;
    for (const one of reached.values()) sequences += one.sequences;
  }
  assertEquals(sequences, 11_111_111);
});
