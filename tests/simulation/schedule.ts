/** One schedule from its decisions to its verdict. */
import { hangUpEvents } from "./events.ts";
import { seeApply, seeCall } from "./invariants/calls.ts";
import { seeAftermath, seeCycleEnd, seeEnd } from "./invariants/end.ts";
import { seeHook } from "./invariants/hooks.ts";
import { seeReturn, seeSettled } from "./invariants/requests.ts";
import { longestEnd } from "./invariants/times.ts";
import { drawScenario } from "./scenario.ts";
import { Tape } from "./tape.ts";
import { turn } from "./clock.ts";
import { World } from "./world.ts";

/** How a schedule went. */
export interface Verdict {
  /** What did not hold; empty: all is well. */
  readonly violations: readonly string[];
  /** Which incidents came in which phases, as `phase|incident`. */
  readonly pairs: ReadonlySet<string>;
  readonly exit: string;
  /** What was decided: the schedule can be played again from it. */
  readonly taken: readonly number[];
  /** For a person: what happened, in order. Empty where it was not asked for. */
  readonly lines: readonly string[];
  readonly args: readonly string[];
}

/** No life has more moments than this, unless it goes round in circles. */
const MOST_MOMENTS = 20_000;

/** Rejections that nobody handles belong to the schedule that runs. */
let unhandled: unknown[] = [];
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  unhandled.push(event.reason);
});

/** Plays one schedule. */
export async function play(tape: Tape, keepLines = false): Promise<Verdict> {
  unhandled = [];
  const scenario = drawScenario(tape);
  const world = new World(scenario, tape, {
    keepLines,
    onCall: seeCall,
    onApply: seeApply,
    onHook: seeHook,
    onReturn: (world) => {
      seeCycleEnd(world);
      seeReturn(world);
    },
  });
  hangUpEvents(world, tape);
  const { clock, trace, facts } = world;
  const end = await clock.play(world.live(), {
    longest: scenario.latest + 2 * longestEnd(world, true),
    moments: MOST_MOMENTS,
    onSettled: () => seeSettled(world),
  });
  if (end === "done") {
    seeEnd(world);
    trace.onHappening = undefined;
    // What is on its way arrives within the settle time of the client's end.
    await clock.pass(scenario.weather.settle + 10_000);
    seeAftermath(world);
  } else {
    trace.violated(`9: ${end}, in phase ${trace.phase}`);
  }
  await turn();
  for (const reason of unhandled) trace.violated(`9: a rejection that nobody handles: ${reason}`);
  return {
    violations: trace.violations,
    pairs: trace.pairs,
    exit: facts.ending?.exit ?? "none",
    taken: tape.taken,
    lines: trace.lines,
    args: scenario.args,
  };
}
