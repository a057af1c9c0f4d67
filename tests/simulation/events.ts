/** What comes from outside and at any moment: one line of the table for each kind. */
import { StopRequested } from "../../lib/host/signals.ts";
import { seeStop } from "./invariants.ts";
import type { World } from "./world.ts";
import type { Tape, Weighted } from "./tape.ts";

/** One kind of outside event. */
export interface OutsideEvent {
  readonly name: string;
  /** How many of them a schedule has. */
  readonly count: readonly Weighted<number>[];
  readonly act: (world: World) => void;
}

/**
 * The table. The first is what ends a life; each schedule has one, and no life goes on without.
 * To add a kind: a line here, and its incident in `trace.ts` where the life is to be seen in it.
 */
export const OUTSIDE_EVENTS: readonly OutsideEvent[] = [
  { name: "stop", count: [[1, 1]], act: stop },
  { name: "second stop", count: [[3, 0], [1, 1]], act: (world) => secondStop(world) },
  { name: "fault", count: [[8, 0], [1, 1]], act: (world) => uncaughtFault(world) },
  {
    name: "foreign deregistration",
    count: [[8, 0], [1, 1], [1, 2]],
    act: (world) => {
      world.trace.incident("foreign deregistration");
      for (const membership of world.api.memberships.values()) {
        membership.deregister(world.clock.now());
      }
    },
  },
  {
    name: "foreign registration",
    count: [[16, 0], [1, 1]],
    act: (world) => {
      world.trace.incident("foreign registration");
      world.facts.registeredByOtherAt = world.clock.now();
      for (const membership of world.api.memberships.values()) {
        membership.register(world.clock.now(), false);
      }
    },
  },
];

function stop(world: World): void {
  const { trace, stop, clock, facts } = world;
  if (stop.signal.aborted) return;
  trace.incident("stop signal");
  facts.stoppedAt = clock.now();
  facts.stoppedIn = trace.phase;
  stop.abort(new StopRequested("SIGTERM"));
  seeStop(world);
}

function secondStop(world: World): void {
  const { trace, stop, hurry, clock, facts } = world;
  if (!stop.signal.aborted || hurry.signal.aborted) return;
  trace.incident("second stop signal");
  facts.hurriedAt = clock.now();
  hurry.abort(new StopRequested("SIGTERM"));
  seeStop(world);
}

function uncaughtFault({ trace, stop, clock, facts }: World): void {
  if (stop.signal.aborted) return;
  trace.incident("uncaught fault");
  facts.stoppedAt = clock.now();
  facts.stoppedIn = trace.phase;
  facts.faulted = true;
  stop.abort(new StopRequested("an unexpected fault", { cause: new Error("a fault") }));
}

/** The latest moment for an event: by then every upper row has ended. */
export const LATEST = 800_000;

/** Draws all outside events, and hangs them up: at a moment, or beside something that happens. */
export function hangUpEvents(world: World, tape: Tape): void {
  const waiting: { nth: number; delay: number; act: () => void }[] = [];
  for (const event of OUTSIDE_EVENTS) {
    for (let left = tape.choose(event.count); left > 0; left--) {
      const act = () => {
        if (world.facts.ending !== undefined) return;
        world.trace.tell(`outside: ${event.name}`);
        event.act(world);
      };
      const delay = tape.happens(0.5) ? tape.time(30_000) : 0;
      if (tape.happens(0.7)) waiting.push({ nth: 1 + Math.floor(tape.time(40)), delay, act });
      else world.clock.after(LATEST ** tape.number(), act);
    }
  }
  let happenings = 0;
  world.trace.onHappening = () => {
    happenings++;
    for (const one of waiting) {
      if (one.nth === happenings) world.clock.after(one.delay, one.act);
    }
  };
  const last = OUTSIDE_EVENTS[0];
  world.clock.after(LATEST, () => {
    if (world.facts.ending === undefined) last?.act(world);
  });
}
