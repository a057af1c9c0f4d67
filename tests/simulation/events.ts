/** What comes from outside and at any moment: one line of the table for each kind. */
import { StopRequested } from "../../lib/host/signals.ts";
import { seeDrain, seeStop } from "./invariants/hooks.ts";
import { seeDrainEnd } from "./invariants/requests.ts";
import { USERS_PATIENCE } from "./invariants/times.ts";
import type { Membership } from "./membership.ts";
import type { World } from "./world.ts";
import type { Tape, Weighted } from "./tape.ts";

/** One kind of outside event. */
export interface OutsideEvent {
  readonly name: string;
  /** How many of them a schedule has. */
  readonly count: readonly Weighted<number>[];
  readonly act: (world: World) => unknown;
}

/**
 * The table. The first is what ends a life; each schedule has one, and no life goes on without.
 * To add a kind: a line here, and its incident in `reachable.ts` where the life is to be seen in it.
 */
export const OUTSIDE_EVENTS: readonly OutsideEvent[] = [
  { name: "stop", count: [[1, 1]], act: stop },
  { name: "second stop", count: [[3, 0], [1, 1]], act: secondStop },
  { name: "fault", count: [[8, 0], [1, 1]], act: uncaughtFault },
  { name: "foreign deregistration", count: [[8, 0], [1, 1], [1, 2]], act: deregisterByOther },
  { name: "foreign registration", count: [[12, 0], [1, 1]], act: registerByOther },
  { name: "rival", count: [[20, 0], [1, 1]], act: rival },
  { name: "drain", count: [[3, 0], [2, 1], [1, 2]], act: drain },
  { name: "register", count: [[3, 0], [1, 1], [1, 2]], act: register },
  { name: "application restart", count: [[3, 0], [1, 1]], act: restart },
  { name: "application unready", count: [[4, 0], [1, 1]], act: unready },
  { name: "pod deletion", count: [[6, 0], [1, 1]], act: deletePod },
  // Requests that arrive in one and the same tick, in both orders.
  { name: "drain, register", count: [[8, 0], [1, 1]], act: both(drain, register) },
  { name: "register, drain", count: [[8, 0], [1, 1]], act: both(register, drain) },
  { name: "drain, stop", count: [[16, 0], [1, 1]], act: both(drain, stop) },
  { name: "register, stop", count: [[16, 0], [1, 1]], act: both(register, stop) },
];

type Act = OutsideEvent["act"];

function both(first: Act, second: Act): Act {
  return (world) => {
    first(world);
    second(world);
  };
}

/** Groups that an event concerns: often one of several, so that the others are elsewhere. */
function someMemberships({ api, tape }: World): readonly Membership[] {
  const all = [...api.memberships.values()];
  return tape.happens(0.5) ? all : [tape.pick(all)];
}

function deregisterByOther(world: World): void {
  world.trace.incident("foreign deregistration");
  for (const one of someMemberships(world)) one.deregister(world.clock.now());
}

function registerByOther(world: World): void {
  world.trace.incident("foreign registration");
  world.facts.registeredByOtherAt = world.clock.now();
  for (const one of someMemberships(world)) one.register(world.clock.now(), false);
}

function rival(world: World): void {
  const { trace, facts, clock, tape } = world;
  trace.incident("rival");
  const until = clock.now() + 1_000 + tape.time(60_000);
  facts.registeredByOtherAt = until;
  for (const one of someMemberships(world)) one.rival(clock.now(), until);
}

function stop(world: World): void {
  if (world.stop.signal.aborted) return;
  world.trace.incident("stop signal");
  stopFor(world, new StopRequested("SIGTERM"));
  seeStop(world);
}

function stopFor(world: World, reason: StopRequested): void {
  world.facts.stoppedAt = world.clock.now();
  world.left("stop");
  world.graceBegins();
  world.stop.abort(reason);
  const isEndless = world.scenario.config.timeouts.deregister === Infinity;
  if (isEndless) world.clock.after(USERS_PATIENCE, () => secondStop(world));
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
  if (world.stop.signal.aborted) return;
  world.trace.incident("uncaught fault");
  world.facts.faulted = true;
  stopFor(world, new StopRequested("an unexpected fault", { cause: new Error("a fault") }));
}

/** One client of `/drain`; ends when it has its answer. */
function drain(world: World): Promise<void> {
  const { trace, clock, facts, view } = world;
  if (facts.ending !== undefined) return Promise.resolve();
  trace.incident("drain");
  const asked: World["facts"]["drains"][number] = { at: clock.now() };
  facts.drains.push(asked);
  if (facts.stoppedAt === undefined) world.graceBegins();
  world.left("drain");
  world.cycle.isWantedBack = false;
  world.isDrainStanding = true;
  // Gone already, it may come back after this drain.
  world.mayReturn = world.application.isGone;
  const answered = view.drain().then((end) => {
    asked.end = end;
    asked.endedAt = clock.now();
    trace.tell(`/drain: ${end.outcome}`);
    seeDrainEnd(world, end);
  });
  seeDrain(world);
  return answered;
}

function register(world: World): void {
  const { trace, view, cycle } = world;
  trace.incident("register");
  const answer = view.register();
  if (answer === "registering") {
    cycle.isWantedBack = true;
    world.isDrainStanding = false;
    world.mayReturn = true;
  }
  trace.tell(`/register: ${answer}`);
}

function restart(world: World): void {
  const { trace, application, tape } = world;
  trace.incident("application restart");
  if (world.isDrainStanding) world.mayReturn = true;
  application.is("refusing", 300 + tape.time(20_000));
}

/** Answers that are slow or refused are no restart. */
function unready(world: World): void {
  const { trace, application, tape } = world;
  trace.incident("application unready");
  application.is(tape.pick(["slow", "unready"]), 300 + tape.time(20_000));
}

/**
 * What a kubelet does: the preStop hook drains, then the application ends, then the sidecar gets its
 * signal. Deleted while a liveness kill is under way, the application starts once more in between,
 * and the hook runs again.
 */
function deletePod(world: World): void {
  const { application, clock, tape } = world;
  world.trace.incident("pod deletion");
  if (world.facts.stoppedAt !== undefined) return;
  const isKilledFirst = tape.happens(0.4);
  drain(world).then(() => {
    application.end();
    clock.after(500 + tape.time(2_000), () => {
      if (!isKilledFirst) return stop(world);
      application.is("ready", Infinity);
      clock.after(tape.time(4_000), () => {
        drain(world).then(() => {
          application.end();
          clock.after(tape.time(2_000), () => stop(world));
        });
      });
    });
  });
}

/** Draws all outside events, and hangs them up: at a moment, or beside something that happens. */
export function hangUpEvents(world: World, tape: Tape): void {
  const { latest } = world.scenario;
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
      else world.clock.after(tape.happens(0.4) ? latest * tape.number() : tape.time(latest), act);
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
  world.clock.after(latest, () => {
    if (world.facts.ending === undefined) last?.act(world);
  });
}
