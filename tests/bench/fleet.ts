/**
 * `deno task run tests/bench/fleet.ts [PODS]…`: what a whole fleet does to one account's API limits,
 * and they to it, in virtual time: with the default flags, and with those of docs/scale.md.
 */
import { readConfig } from "../../lib/config/config.ts";
import type { Hooks } from "../../lib/hooks/hook.ts";
import type { Log } from "../../lib/host/log.ts";
import { StopRequested } from "../../lib/host/signals.ts";
import { limited } from "../../lib/aws/limits.ts";
import { CurrentIntent } from "../../lib/lifecycle/current_intent.ts";
import { runLifecycle } from "../../lib/lifecycle/lifecycle.ts";
import { Progress } from "../../lib/lifecycle/status.ts";
import type { Application } from "../../lib/lifecycle/ports.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { Tape } from "../simulation/tape.ts";
import { Account, GROUP, HEALTHY_AFTER, LIMITS } from "./fleet_account.ts";

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NO_HOOKS: Hooks = { run: () => Promise.resolve({ outcome: "succeeded" }) };
const NO_APPLICATION: Application = {
  wait: () => Promise.resolve(),
  restarted: () => new Promise(() => {}),
};

/** One pod's sidecar, started. */
interface Running {
  /** Settles when it is in service as far as it knows; `false`: it does not get there. */
  readonly serves: Promise<boolean>;
  stop(): void;
  readonly ended: Promise<unknown>;
}

/** All pods of a node pool or a recovering cluster come and go within so much of each other. */
const SPREAD = 5_000;
/** The longest time that a fleet gets. */
const LONGEST = 6 * 3_600_000;
/** A rolling deployment replaces a quarter at a time, as by default. */
const SURGE = 4;

/** One fleet in virtual time, all with the same flags. */
class Fleet {
  readonly clock: VirtualClock;
  readonly account: Account;
  /** When each pod was gone. */
  readonly gone: number[] = [];
  readonly #flags: readonly string[];

  constructor(flags: readonly string[], seed: number) {
    const tape = Tape.of(seed);
    this.clock = new VirtualClock(() => tape.number());
    this.account = new Account(this.clock);
    this.#flags = flags;
  }

  start(id: string): Running {
    const args = [`-target-group-arn=${GROUP}`, `-target-id=${id}`, ...this.#flags];
    const reading = readConfig(args, {});
    if (reading.kind !== "run") throw new Error("bad flags for the fleet");
    const stop = new AbortController();
    const serves = Promise.withResolvers<boolean>();
    const info = (message: string) => {
      if (message.startsWith("target is in service")) serves.resolve(true);
    };
    const { clock, account } = this;
    const signals = { stop: stop.signal, forcedStop: new AbortController().signal };
    const ended = runLifecycle(reading.config, {
      ...{ elb: limited(account, clock), clock, hooks: NO_HOOKS, log: { ...QUIET, info } },
      ...{ application: NO_APPLICATION, progress: new Progress(clock) },
      intent: new CurrentIntent({ clock, signals, gracePeriod: 0 }),
    }).then(() => {
      serves.resolve(false);
      if (!account.registered.has(id)) this.gone.push(clock.now());
    });
    const request = () => stop.abort(new StopRequested("SIGTERM"));
    return { serves: serves.promise, stop: request, ended };
  }

  /** Starts them all; they serve before anything is counted. */
  async warm(ids: readonly string[]): Promise<Running[]> {
    const old = ids.map((id) => this.start(id));
    await Promise.all(old.map(({ serves }) => serves));
    this.account.begin();
    return old;
  }

  /** Waits a part of the spread. */
  spread(): Promise<void> {
    return new Promise((resolve) => this.clock.after(SPREAD * this.clock.random(), resolve));
  }
}

/** How a fleet fared. */
interface Outcome {
  /** Pods that gave up registering; those that ended and are registered still. */
  readonly neverIn: number;
  readonly left: number;
  /** When each pod was there: in service, as the load balancer sees it, or gone. */
  readonly times: readonly number[];
  /** When it began. */
  readonly from: number;
  /** What the buckets alone make of 99 %, in seconds: one call a pod cannot be quicker. */
  readonly bound: number;
}

/** What happens to a fleet, by name. */
const SCENARIOS: Readonly<Record<string, (fleet: Fleet, pods: number) => Promise<Outcome>>> = {
  "start at once": async (fleet, pods) => {
    const { registered } = fleet.account;
    fleet.account.begin();
    const serving = await Promise.all(
      addresses("new", pods).map(async (id) => {
        await fleet.spread();
        return await fleet.start(id).serves;
      }),
    );
    const times = [...registered.values()].map((at) => at + HEALTHY_AFTER);
    const bound = timeFor(0.99 * pods) + HEALTHY_AFTER / 1_000;
    return { neverIn: serving.length - registered.size, left: 0, times, from: 0, bound };
  },

  "rolling": async (fleet, pods) => {
    const old = await fleet.warm(addresses("old", pods));
    const [from, fresh] = [fleet.clock.now(), addresses("new", pods)];
    let neverIn = 0;
    const places = Math.max(1, Math.floor(pods / SURGE));
    // In each of the surge's places: a new pod comes into service, then an old one goes.
    await Promise.all(Array.from({ length: places }, async (_, place) => {
      await fleet.spread();
      for (let pod = place; pod < pods; pod += places) {
        if (!await fleet.start(fresh[pod] ?? "").serves) neverIn++;
        old[pod]?.stop();
        await old[pod]?.ended;
      }
    }));
    const bound = Math.max(timeFor(2 * 0.99 * pods), SURGE * HEALTHY_AFTER / 1_000);
    return { neverIn, left: pods - fleet.gone.length, times: fleet.gone, from, bound };
  },

  "stop at once": async (fleet, pods) => {
    const old = await fleet.warm(addresses("old", pods));
    const from = fleet.clock.now();
    await Promise.all(old.map(async ({ stop, ended }) => {
      await fleet.spread();
      stop();
      await ended;
    }));
    const left = fleet.account.registered.size;
    return { neverIn: 0, left, times: fleet.gone, from, bound: timeFor(0.99 * pods) };
  },
};

function addresses(generation: "old" | "new", pods: number): string[] {
  const first = generation === "old" ? 0 : 1;
  return Array.from({ length: pods }, (_, pod) => `10.${first}.${pod >> 8}.${pod & 255}`);
}

/** Seconds until the bucket has let so many changes through. */
function timeFor(changes: number): number {
  return Math.max(0, changes - LIMITS.change.burst) / LIMITS.change.perSecond;
}

/** Half as much again as the buckets alone take, in whole minutes; never less than the defaults. */
function flagsFor(pods: number): string[] {
  const minutes = Math.ceil(1.5 * timeFor(pods) / 60);
  return [
    `-register-timeout=${Math.max(1, minutes)}m`,
    `-wait-in-service-timeout=${5 + minutes}m`,
    `-deregister-timeout=${Math.max(30, 60 * minutes)}s`,
  ];
}

const COLUMNS = [
  "fleet",
  "flags",
  "never in",
  "left",
  "99 % (s)",
  "bound (s)",
  "calls",
  "throttled",
];

/** Prints a row of the table of docs/scale.md. Returns whether no pod is lost, and it is quick enough. */
async function play(name: string, pods: number, flags: readonly string[]): Promise<boolean> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  const fleet = new Fleet(flags, pods);
  const work = scenario(fleet, pods);
  await fleet.clock.play(work, { longest: LONGEST, moments: Infinity });
  const { neverIn, left, times, from, bound } = await work;
  const at = times.toSorted((one, other) => one - other)[Math.ceil(0.99 * pods) - 1];
  const until = ((at ?? Infinity) - from) / 1_000;
  const { calls, throttled } = fleet.account;
  const time = until === Infinity ? "never" : until.toFixed(0);
  const figures = [neverIn, left, time, bound.toFixed(0), calls, throttled];
  const kind = flags.length > 0 ? "for the size" : "defaults";
  console.log(`| ${[`${pods} ${name}`, kind, ...figures].join(" | ")} |`);
  // Below the burst there is no bound but one call's own time.
  return neverIn === 0 && left === 0 && until <= 1.5 * bound + 10;
}

const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [50, 500, 5_000];
let isKept = true;
console.log(`| ${COLUMNS.join(" | ")} |`);
for (const pods of sizes) {
  for (const name of Object.keys(SCENARIOS)) {
    isKept = await play(name, pods, flagsFor(pods)) && isKept;
    await play(name, pods, []);
  }
}
console.log(
  `flags for the size: ${isKept ? "no pod is lost" : "NOT kept"}, 99 % within 1.5 × the bound`,
);
Deno.exitCode = isKept ? 0 : 1;
