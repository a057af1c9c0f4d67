/** What comes from outside and at any moment: one line of the table for each kind. */
import { StopRequested } from "../../lib/host/signals.ts";
import { seeDrain, seeStop } from "./invariants/hooks.ts";
import { seeDrainEnd } from "./invariants/requests.ts";
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
  { name: "drain", count: [[3, 0], [2, 1], [1, 2]], act: drain },
  { name: "register", count: [[3, 0], [1, 1], [1, 2]], act: register },
  { name: "application restart", count: [[3, 0], [1, 1]], act: restart },
];

function stop(world: World): void {
  const { trace, stop, clock, facts } = world;
  if (stop.signal.aborted) return;
  trace.incident("stop signal");
  facts.stoppedAt = clock.now();
  world.left("stop");
  stop.abort(new StopRequested("SIGTERM"));
  seeStop(world);
}

function secondStop(world: World): void {
  const { trace, stop, forcedStop, clock, facts } = world;
  if (!stop.signal.aborted || forcedStop.signal.aborted) return;
  trace.incident("second stop signal");
  facts.hurriedAt = clock.now();
  forcedStop.abort(new StopRequested("SIGTERM"));
  seeStop(world);
}

function uncaughtFault(world: World): void {
  const { trace, stop, clock, facts } = world;
  if (stop.signal.aborted) return;
  trace.incident("uncaught fault");
  facts.stoppedAt = clock.now();
  world.left("stop");
  facts.faulted = true;
  stop.abort(new StopRequested("an unexpected fault", { cause: new Error("a fault") }));
}

function drain(world: World): void {
  const { trace, clock, facts, view } = world;
  trace.incident("drain");
  const asked: World["facts"]["drains"][number] = { at: clock.now() };
  facts.drains.push(asked);
  world.left("drain");
  world.cycle.isWantedBack = false;
  world.isDrainStanding = true;
  view.drain().then((end) => {
    asked.end = end;
    asked.endedAt = clock.now();
    trace.tell(`/drain: ${end.outcome}`);
    seeDrainEnd(world, end);
  });
  seeDrain(world);
}

function register(world: World): void {
  const { trace, view, cycle } = world;
  trace.incident("register");
  const answer = view.register();
  if (answer === "registering") {
    cycle.isWantedBack = true;
    world.isDrainStanding = false;
  }
  trace.tell(`/register: ${answer}`);
}

function restart(world: World): void {
  const { trace, application, cycle } = world;
  trace.incident("application restart");
  if (world.isDrainStanding) {
    cycle.isWantedBack = true;
    world.isDrainStanding = false;
  }
  application.restart();
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
      else world.clock.after(tape.happens(0.4) ? LATEST * tape.number() : tape.time(LATEST), act);
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
