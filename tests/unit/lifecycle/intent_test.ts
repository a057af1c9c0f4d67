import { assert, assertEquals } from "@std/assert";
import {
  type Intent,
  INTENT_EVENTS,
  INTENT_STATES,
  type IntentEvent,
  isDrainAwaited,
  nextIntent,
} from "../../../lib/lifecycle/intent.ts";
import { read } from "../modules.ts";
import { EVENTS, GRACE, intentDiagram, INTENTS, intentTable } from "./intent_docs.ts";

const PAGE = "docs/intent.md";

Deno.test("the page's table has every pair of intent and event, and what follows from it", () => {
  const rows = read(PAGE).split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")))
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
  assertEquals(rows, intentTable());
  const states = Object.values(INTENTS).map(({ state }) => state);
  assertEquals(new Set(states), new Set(INTENT_STATES));
  const events = Object.values(EVENTS).map((event) => event(0).event);
  assertEquals(new Set(events), new Set(INTENT_EVENTS));
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
  const events = Object.values(EVENTS);
  const follow = (intent: Intent, history: History, at: number): number => {
    if (at > 7) return 1;
    let sequences = 1;
    for (const make of events) {
      const event = make(at);
      const next = nextIntent(intent, event, GRACE);
      const remembered = remember(history, event, intent, next);
      const promise = broken(remembered, event, intent, next);
      assert(promise === undefined, `${promise}: ${JSON.stringify({ intent, event, next })}`);
      sequences += follow(next, remembered, at + 1);
    }
    return sequences;
  };
  assertEquals(follow({ state: "serving" }, NOTHING, 1), 11_111_111);
});
