/** What runs in each pod: the sidecar itself, and how others make the same calls. */
import { readConfig } from "../../../lib/config/config.ts";
import type { Hooks } from "../../../lib/hooks/hook.ts";
import type { Clock } from "../../../lib/host/clock.ts";
import { sleep } from "../../../lib/host/clock.ts";
import type { Log } from "../../../lib/host/log.ts";
import { StopRequested } from "../../../lib/host/signals.ts";
import { Board } from "../../../lib/lifecycle/board.ts";
import type { Application, Ports } from "../../../lib/lifecycle/ports.ts";
import { Requests } from "../../../lib/lifecycle/intent.ts";
import { live } from "../../../lib/lifecycle/lifecycle.ts";
import { type Account, GROUP } from "./account.ts";

/** One pod's program, started. */
export interface Running {
  /** Settles when it serves: in service as far as it knows; `false`: it does not get there. */
  readonly serves: Promise<boolean>;
  /** Asks for a stop. */
  stop(): void;
  readonly ended: Promise<unknown>;
}

/** Starts a pod's program. */
export type Program = (id: string, account: Account, clock: Clock) => Running;

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NO_HOOKS: Hooks = { run: () => Promise.resolve({ outcome: "succeeded" }) };

const NO_APPLICATION: Application = {
  wait: () => Promise.resolve(),
  restarted: () => new Promise(() => {}),
};

/** The sidecar, with these flags besides the group's ARN. */
export function sidecar(flags: readonly string[]): Program {
  return (id, elb, clock) => {
    const reading = readConfig([`-target-group-arn=${GROUP}`, `-target-id=${id}`, ...flags], {});
    if (reading.kind !== "run") throw new Error("bad flags for the fleet");
    const stop = new AbortController();
    const serves = Promise.withResolvers<boolean>();
    const log: Log = {
      ...QUIET,
      info: (message) => {
        if (message.startsWith("target is in service")) serves.resolve(true);
      },
    };
    const signals = { stop: stop.signal, forcedStop: new AbortController().signal };
    const ports: Ports = {
      ...{ elb, clock, hooks: NO_HOOKS, log, signals, application: NO_APPLICATION },
      requests: new Requests(),
      board: new Board(clock),
    };
    const ended = live(reading.config, ports);
    void ended.then(() => serves.resolve(false));
    return {
      serves: serves.promise,
      stop: () => stop.abort(new StopRequested("SIGTERM")),
      ended,
    };
  };
}

/** Tries so many times, with the SDK's own pauses for throttling between. */
async function sdkTries<T>(clock: Clock, base: number, attempt: () => Promise<T>): Promise<T> {
  for (let failed = 0;; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (failed === 2) throw error;
      await sleep(clock.within(clock.random() * Math.min(20_000, base * 2 ** failed)));
    }
  }
}

/** The original's retrier around it: four tries, with pauses of 1, 2 and 4 s. */
async function fourTries<T>(
  clock: Clock,
  stop: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failed = 0;; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (failed === 3 || stop.aborted) throw error;
      await sleep(clock.within(1_000 * 2 ** failed, stop));
    }
  }
}

/** Calls without an end of their own, as both of the others make them. */
const forEver = { signal: new AbortController().signal };

/**
 * The original program: the group by its name; registering and waiting are one retried unit;
 * waiting asks every 15 s, 40 times at most; leaving is tried four times, and then it exits.
 */
export const original: Program = (id: string, account: Account, clock: Clock): Running => {
  const stop = new AbortController();
  const target = { id };
  const registering = (async () => {
    const tried = <T>(attempt: () => Promise<T>) =>
      fourTries(clock, stop.signal, () => sdkTries(clock, 1_000, attempt));
    await tried(() => account.describeTargetGroups(["fleet"], forEver));
    return await fourTries(clock, stop.signal, async () => {
      await sdkTries(clock, 1_000, () => account.registerTarget(GROUP, target, forEver));
      for (let asked = 0; asked < 40 && !stop.signal.aborted; asked++) {
        const health = await sdkTries(
          clock,
          1_000,
          () => account.describeTargetHealth(GROUP, target, forEver),
        );
        if (health.state === "healthy") return true;
        await sleep(clock.within(15_000, stop.signal));
      }
      throw new Error("not in service");
    });
  })();
  const serves = registering.catch(() => false);
  const leave = async () => {
    await sleep(stop.signal);
    await serves;
    await fourTries(
      clock,
      new AbortController().signal,
      () => sdkTries(clock, 1_000, () => account.deregisterTarget(GROUP, target, forEver)),
    ).catch(() => {});
  };
  return { serves, stop: () => stop.abort(), ended: leave() };
};

/** A script with the SDK: three tries a call, and `waitUntilTargetInService` for ten minutes. */
export const sdkWaiter: Program = (id: string, account: Account, clock: Clock): Running => {
  const stop = new AbortController();
  const target = { id };
  const serves = (async () => {
    await sdkTries(clock, 1_000, () => account.registerTarget(GROUP, target, forEver));
    const endsAt = clock.now() + 600_000;
    for (let asked = 1; clock.now() < endsAt && !stop.signal.aborted; asked++) {
      const health = await sdkTries(
        clock,
        1_000,
        () => account.describeTargetHealth(GROUP, target, forEver),
      );
      if (health.state === "healthy") return true;
      // Its defaults: 15 to 120 s, exponential, with full jitter above the shortest.
      const longest = Math.min(120_000, 15_000 * 2 ** (asked - 1));
      await sleep(
        clock.within(15_000 + clock.random() * (longest - 15_000), stop.signal),
      );
    }
    return false;
  })().catch(() => false);
  const leave = async () => {
    await sleep(stop.signal);
    await serves;
    await sdkTries(clock, 1_000, () => account.deregisterTarget(GROUP, target, forEver))
      .catch(() => {});
  };
  return { serves, stop: () => stop.abort(), ended: leave() };
};
