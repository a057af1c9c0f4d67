/**
 * `deno task run tests/bench/fleet.ts [PODS]…`: what a whole fleet does to one account's API limits,
 * and they to it, in virtual time: with the flags of the manifests, so with defaults wherever time
 * is concerned, and the grace period of docs/scale.md. The kubelet restarts what exits.
 */
import { readConfig } from "../../lib/config/config.ts";
import type { Hooks } from "../../lib/hooks/hook.ts";
import type { Log } from "../../lib/host/log.ts";
import { sleep } from "../../lib/host/clock.ts";
import { StopRequested } from "../../lib/host/signals.ts";
import { limited } from "../../lib/aws/limits.ts";
import { CurrentIntent } from "../../lib/lifecycle/current_intent.ts";
import { runLifecycle } from "../../lib/lifecycle/lifecycle.ts";
import { Progress } from "../../lib/lifecycle/status.ts";
import { fleetGraceSeconds } from "../../lib/preflight.ts";
import type { Application } from "../../lib/lifecycle/ports.ts";
import { BinaryHeap } from "@std/data-structures/binary-heap";
import { VirtualClock } from "../simulation/clock.ts";
import { Tape } from "../simulation/tape.ts";
import { quantile } from "./statistics.ts";
import { Account, GROUP, HEALTHY_AFTER, LIMITS } from "./fleet_account.ts";

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NO_HOOKS: Hooks = { run: () => Promise.resolve({ outcome: "succeeded" }) };
const NO_APPLICATION: Application = {
  wait: () => Promise.resolve(),
  restarted: () => new Promise(() => {}),
};

/** One pod's sidecar, started. */
interface Running {
  /** Settles when it knows that it is in service. */
  readonly serves: Promise<void>;
  stop(): void;
  readonly ended: Promise<unknown>;
}

/** What every manifest has besides the group and the target. */
const FLAGS = ["-listen=127.0.0.1:8081"];
/** The kubelet's pause before a restart: at first, and at the most. */
const FIRST_RESTART = 10_000;
const LONGEST_RESTART = 300_000;

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
  /** How late each pod knew that it was healthy. */
  readonly late: number[] = [];
  restarts = 0;
  readonly #grace: number;

  /** @param pods How many: the grace period is what docs/scale.md says for them. */
  constructor(pods: number) {
    const tape = Tape.of(pods);
    this.clock = new VirtualClock(() => tape.number());
    this.account = new Account(this.clock);
    this.#grace = 1_000 * fleetGraceSeconds(pods);
  }

  start(id: string): Running {
    const args = [`-target-group-arn=${GROUP}`, `-target-id=${id}`, ...FLAGS];
    const reading = readConfig(args, {});
    if (reading.kind !== "run") throw new Error("bad flags for the fleet");
    const { config } = reading;
    const stop = new AbortController();
    const serves = Promise.withResolvers<void>();
    const { clock, account } = this;
    let [isKilled, isIn] = [false, false];
    const log = {
      ...QUIET,
      info: (message: string) => {
        if (isIn || !/^target is (in service|healthy)/.test(message)) return;
        isIn = true;
        this.late.push(clock.now() - (account.registered.get(id) ?? NaN) - HEALTHY_AFTER);
        serves.resolve();
      },
    };
    const signals = { stop: stop.signal, forcedStop: new AbortController().signal };
    const live = async () => {
      for (let pause = FIRST_RESTART;; pause = Math.min(LONGEST_RESTART, 2 * pause)) {
        await runLifecycle(config, {
          ...{ elb: limited(account, clock), clock, hooks: NO_HOOKS, log },
          ...{ application: NO_APPLICATION, progress: new Progress(clock) },
          intent: new CurrentIntent({ clock, signals, gracePeriod: 0 }),
        });
        if (stop.signal.aborted) break;
        this.restarts++;
        await sleep(clock.within(pause, stop.signal));
      }
      if (!isKilled && !account.registered.has(id)) this.gone.push(clock.now());
    };
    const request = () => {
      stop.abort(new StopRequested("SIGTERM"));
      clock.after(this.#grace, () => isKilled = true);
    };
    return { serves: serves.promise, stop: request, ended: live() };
  }

  /** Starts them all; they serve before anything is counted. */
  async warm(ids: readonly string[]): Promise<Running[]> {
    const old = ids.map((id) => this.start(id));
    await Promise.all(old.map(({ serves }) => serves));
    this.late.length = 0;
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
  /** Pods that never were in service; those that were killed, or ended and are registered still. */
  readonly neverIn: number;
  readonly left: number;
  /** When each pod was there: in service, as the load balancer sees it, or gone. */
  readonly times: readonly number[];
  /** When it began. */
  readonly from: number;
  /** What the buckets and the health checks alone make of 99 %, in seconds. */
  readonly bound: number;
}

/** What happens to a fleet, by name. */
const SCENARIOS: Readonly<Record<string, (fleet: Fleet, pods: number) => Promise<Outcome>>> = {
  "start at once": async (fleet, pods) => {
    const { registered } = fleet.account;
    fleet.account.begin();
    await Promise.all(
      addresses("new", pods).map(async (id) => {
        await fleet.spread();
        await fleet.start(id).serves;
      }),
    );
    const times = [...registered.values()].map((at) => at + HEALTHY_AFTER);
    const bound = timeFor(0.99 * pods) + HEALTHY_AFTER / 1_000;
    return { neverIn: pods - fleet.late.length, left: 0, times, from: 0, bound };
  },

  "rolling": async (fleet, pods) => {
    const old = await fleet.warm(addresses("old", pods));
    const [from, fresh] = [fleet.clock.now(), addresses("new", pods)];
    const places = Math.max(1, Math.floor(pods / SURGE));
    // In each of the surge's places: a new pod comes into service, then an old one goes.
    await Promise.all(Array.from({ length: places }, async (_, place) => {
      await fleet.spread();
      for (let pod = place; pod < pods; pod += places) {
        await fleet.start(fresh[pod] ?? "").serves;
        old[pod]?.stop();
        await old[pod]?.ended;
      }
    }));
    const bound = idealRolling(pods, places);
    const neverIn = pods - fleet.late.length;
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
    const left = pods - fleet.gone.length;
    return { neverIn: 0, left, times: fleet.gone, from, bound: timeFor(0.99 * pods) };
  },
};

function addresses(generation: "old" | "new", pods: number): string[] {
  const first = generation === "old" ? 0 : 1;
  return Array.from({ length: pods }, (_, pod) => `10.${first}.${pod >> 8}.${pod & 255}`);
}

/** Seconds until 99 % of a fleet is rolled where nothing but the bucket and health checks take time. */
function idealRolling(pods: number, places: number): number {
  const { burst, perSecond } = LIMITS.change;
  const ready = new BinaryHeap<{ at: number; pod: number; isNew: boolean }>((one, other) =>
    one.at - other.at
  );
  for (let pod = 0; pod < places; pod++) ready.push({ at: 0, pod, isNew: true });
  const gone: number[] = [];
  let tokens: number = burst;
  let last = 0;
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const { at, pod, isNew } = next;
    const filled = Math.min(burst, tokens + Math.max(0, at - last) * perSecond);
    const granted = Math.max(at, last) + Math.max(0, 1 - filled) / perSecond;
    [tokens, last] = [Math.max(1, filled) - 1, granted];
    if (isNew) ready.push({ at: granted + HEALTHY_AFTER / 1_000, pod, isNew: false });
    else gone.push(granted);
    if (!isNew && pod + places < pods) ready.push({ at: granted, pod: pod + places, isNew: true });
  }
  return gone[Math.ceil(0.99 * pods) - 1] ?? Infinity;
}

/** Seconds until the bucket has let so many changes through. */
function timeFor(changes: number): number {
  return Math.max(0, changes - LIMITS.change.burst) / LIMITS.change.perSecond;
}

const COLUMNS = [
  "fleet",
  "never in",
  "left",
  "restarts",
  "99 % (s)",
  "bound (s)",
  "last (s)",
  "late (s): median",
  "95 %",
  "calls",
  "throttled",
];

/** Prints a row of the table of docs/scale.md. Returns whether no pod is lost, and it is quick enough. */
async function play(name: string, pods: number): Promise<boolean> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  const fleet = new Fleet(pods);
  const work = scenario(fleet, pods);
  await fleet.clock.play(work, { longest: LONGEST, moments: Infinity });
  const { neverIn, left, times, from, bound } = await work;
  const sorted = times.toSorted((one, other) => one - other);
  const until = (part: number) => ((sorted[Math.ceil(part * pods) - 1] ?? Infinity) - from) / 1_000;
  const late = (part: number) => fleet.late.length === 0 ? 0 : quantile(fleet.late, part) / 1_000;
  const { calls, throttled } = fleet.account;
  const seconds = [until(0.99), bound, until(1)].map((time) => time.toFixed(0));
  const known = [late(0.5), late(0.95)].map((time) => time.toFixed(1));
  const figures = [neverIn, left, fleet.restarts, ...seconds, ...known, calls, throttled];
  console.log(`| ${[`${pods} ${name}`, ...figures].join(" | ")} |`);
  // Below the burst there is no bound but one call's own time.
  return neverIn === 0 && left === 0 && until(0.99) <= 1.15 * bound + 10;
}

const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [50, 500, 5_000];
let isKept = true;
console.log(`| ${COLUMNS.join(" | ")} |`);
for (const pods of sizes) {
  for (const name of Object.keys(SCENARIOS)) isKept = await play(name, pods) && isKept;
}
console.log(
  `${isKept ? "no pod is lost" : "NOT kept: pods are lost"}, 99 % within 1.15 × the bound`,
);
Deno.exitCode = isKept ? 0 : 1;
