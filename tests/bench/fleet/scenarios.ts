/** What happens to a fleet: all start at once, are replaced step by step, or stop at once. */
import { SimulatedClock } from "../../simulation/clock.ts";
import { Tape } from "../../simulation/tape.ts";
import { Account, HEALTHY_AFTER, LIMITS, type Second } from "./account.ts";
import type { Program, Running } from "./programs.ts";

/** The scenarios, by name. */
export const SCENARIOS = ["start at once", "rolling", "stop at once"] as const;
export type Scenario = typeof SCENARIOS[number];

/** How a fleet fared. Times in seconds. */
export interface Outcome {
  readonly pods: number;
  readonly neverRegistered: number;
  readonly leftRegistered: number;
  /** Until 99 % of the pods are there: in service, as the load balancer sees it, or gone. */
  readonly until99: number | undefined;
  /** Until 99 % of the pods know of it. */
  readonly known99: number | undefined;
  /** What the buckets alone make of `until99`: nobody who makes one call a pod can be quicker. */
  readonly bound: number;
  readonly calls: number;
  readonly throttled: number;
  readonly seconds: readonly Second[];
}

/** All pods of a node pool or a recovering cluster come and go within so much of each other. */
const SPREAD = 5_000;

/** The longest that a fleet is looked at. */
const LONGEST = 6 * 3_600_000;

/** A rolling deployment's surge: a quarter, as by default. */
const SURGE = 4;

const OLD = 0;
const NEW = 1;

/** A pod's address: its name in the group. */
function address(generation: number, pod: number): string {
  return `10.${generation}.${pod >> 8}.${pod & 255}`;
}

/** One fleet in virtual time. */
class Fleet {
  readonly clock: SimulatedClock;
  readonly account: Account;
  readonly #program: Program;
  readonly #served: number[] = [];
  readonly #gone: number[] = [];
  readonly inService: number[] = [];

  constructor(program: Program, seed: number) {
    const tape = Tape.of(seed);
    this.clock = new SimulatedClock(() => tape.number());
    this.account = new Account(this.clock);
    this.#program = program;
  }

  get served(): readonly number[] {
    return this.#served;
  }

  get gone(): readonly number[] {
    return this.#gone;
  }

  start(pod: string): Running {
    const running = this.#program(pod, this.account, this.clock);
    void running.serves.then((isServing) => {
      if (isServing) this.#served.push(this.clock.now());
    });
    void running.ended.then(() => {
      if (!this.account.registered.has(pod)) this.#gone.push(this.clock.now());
    });
    return running;
  }

  /** Starts so many, which serve before anything is counted. */
  async warm(count: number): Promise<Map<string, Running>> {
    const old = new Map<string, Running>();
    for (let pod = 0; pod < count; pod++) old.set(address(OLD, pod), this.start(address(OLD, pod)));
    await Promise.all([...old.values()].map(({ serves }) => serves));
    this.#served.length = 0;
    return old;
  }

  /** Waits a part of the spread. */
  spread(): Promise<void> {
    return new Promise((resolve) => this.clock.after(SPREAD * this.clock.random(), resolve));
  }

  async run(work: Promise<unknown>): Promise<void> {
    await this.clock.run(work, { longest: LONGEST, moments: Infinity });
    await work;
  }
}

/** Lets a fleet of this size go through a scenario. */
export async function simulateFleet(
  scenario: Scenario,
  program: Program,
  pods: number,
): Promise<Outcome> {
  const fleet = new Fleet(program, pods);
  switch (scenario) {
    case "start at once":
      return await startAtOnce(fleet, pods);
    case "rolling":
      return await rolling(fleet, pods);
    case "stop at once":
      return await stopAtOnce(fleet, pods);
  }
}

async function startAtOnce(fleet: Fleet, pods: number): Promise<Outcome> {
  const { account } = fleet;
  account.begin();
  const names = Array.from({ length: pods }, (_, pod) => address(NEW, pod));
  await fleet.run(Promise.all(names.map(async (name) => {
    await fleet.spread();
    return await fleet.start(name).serves;
  })));
  const { registered } = account;
  const inService = [...registered.values()].map((at) => at + HEALTHY_AFTER);
  return outcome(fleet, {
    pods,
    neverRegistered: names.filter((name) => !registered.has(name)).length,
    leftRegistered: 0,
    times: inService,
    known: fleet.served,
    began: 0,
    bound: timeFor(0.99 * pods) + HEALTHY_AFTER / 1_000,
  });
}

async function stopAtOnce(fleet: Fleet, pods: number): Promise<Outcome> {
  const { clock, account } = fleet;
  let began = 0;
  await fleet.run((async () => {
    const old = await fleet.warm(pods);
    began = clock.now();
    account.begin();
    await Promise.all([...old.values()].map(async ({ stop, ended }) => {
      await fleet.spread();
      stop();
      await ended;
    }));
  })());
  return outcome(fleet, {
    pods,
    neverRegistered: 0,
    leftRegistered: account.registered.size,
    times: fleet.gone,
    known: fleet.gone,
    began,
    bound: timeFor(0.99 * pods),
  });
}

/** In each of the surge's places: a new pod comes into service, then an old one goes. */
async function rolling(fleet: Fleet, pods: number): Promise<Outcome> {
  const { clock, account } = fleet;
  let began = 0;
  let failed = 0;
  await fleet.run((async () => {
    const old = [...await fleet.warm(pods)];
    began = clock.now();
    account.begin();
    const places = Math.max(1, Math.floor(pods / SURGE));
    await Promise.all(Array.from({ length: places }, async (_, place) => {
      await fleet.spread();
      for (let pod = place; pod < pods; pod += places) {
        const isServing = await fleet.start(address(NEW, pod)).serves;
        if (!isServing) failed++;
        const [, leaving] = old[pod] ?? [];
        leaving?.stop();
        await leaving?.ended;
      }
    }));
  })());
  const left =
    [...account.registered.keys()].filter((name) => name.startsWith(`10.${OLD}.`)).length;
  return outcome(fleet, {
    pods,
    neverRegistered: failed,
    leftRegistered: left,
    times: fleet.gone,
    known: fleet.served,
    began,
    bound: Math.max(timeFor(2 * 0.99 * pods), SURGE * HEALTHY_AFTER / 1_000),
  });
}

/** Seconds until the bucket has let so many changes through. */
function timeFor(changes: number): number {
  const { burst, perSecond } = LIMITS.change;
  return Math.max(0, changes - burst) / perSecond;
}

function outcome(
  { account }: Fleet,
  { times, known, began, ...rest }:
    & Pick<Outcome, "pods" | "neverRegistered" | "leftRegistered" | "bound">
    & { times: readonly number[]; known: readonly number[]; began: number },
): Outcome {
  const { calls, throttled, seconds } = account;
  const at99 = (all: readonly number[]) => {
    const sorted = [...all].sort((one, other) => one - other);
    const time = sorted[Math.ceil(0.99 * rest.pods) - 1];
    return time === undefined ? undefined : (time - began) / 1_000;
  };
  return { ...rest, until99: at99(times), known99: at99(known), calls, throttled, seconds };
}
