/**
 * `deno task run tests/bench/plan.ts`: how many calls it takes until a target is known as healthy,
 * and how late that is, beside two other ways to poll: in virtual time, with random targets, always
 * with the same result. Prints the table of `docs/polling.md`.
 */
import type { HealthCheck } from "../../lib/aws/elb.ts";
import { nextPollIn, observe, type ObservedState } from "../../lib/registration/poll_schedule.ts";
import { generator } from "../emulator/faults.ts";
import { healthAt, type ModelTarget, randomTarget } from "./plan_targets.ts";
import { quantile } from "./statistics.ts";

/** What decides about the next poll. Times are in seconds. */
interface Moment {
  readonly healthCheck: HealthCheck;
  readonly now: number;
  /** How many polls there were. */
  readonly polls: number;
  readonly known: ObservedState | undefined;
  /** When the wait ends. */
  readonly limit: number;
  readonly chance: () => number;
}

/** The seconds until the next poll. */
export const POLLERS: Readonly<Record<string, (moment: Moment) => number>> = {
  "plan": ({ healthCheck, now, known, chance }) =>
    nextPollIn(healthCheck, now * 1_000, known, chance()) / 1_000,

  /** The waiter of the Go SDK, which the original program uses. */
  "fixed 15 s": ({ polls }) => polls === 0 ? 0 : 15,

  /**
   * `waitUntilTargetInService` of the SDK for JavaScript. Source: `@smithy/core` 3.41.0,
   * `exponentialBackoffWithJitter` in submodules/client/util-waiter/poller.js, and the delays in
   * waiters/waitForTargetInService.js of the client.
   */
  "SDK's waiter": ({ now, polls, limit, chance }) => {
    const [least, most] = [15, 120];
    if (polls === 0) return 0;
    if (polls > Math.log2(most / least) + 1) return most;
    const capped = Math.min(most, least * 2 ** (polls - 1));
    const wait = least + chance() * (capped - least);
    return now + wait > limit ? Math.max(0, limit - now - 0.5) : wait;
  },
};

/** How long a wait lasts at most, in seconds. */
const LIMITS: Readonly<Record<string, (target: ModelTarget) => number>> = {
  // The registration, the time the application takes, and the checks: as long as it can take.
  "long enough": ({ healthCheck }) => {
    const { intervalSeconds, healthyThreshold, unhealthyThreshold } = healthCheck;
    const checks = healthyThreshold + unhealthyThreshold + 1;
    return Math.max(300, 180 + 120 + intervalSeconds * checks);
  },
  "default 5 min": () => 300,
};

/** What became of a wait. */
export interface Wait {
  readonly calls: number;
  /**
   * From turning healthy to being known as healthy, or to the end of the wait; undefined where the
   * target did not turn healthy within it.
   */
  readonly late: number | undefined;
}

/** Waits for a target; a poll takes no time. */
export function waitFor(
  { healthCheck, healthyAt, ...target }: ModelTarget,
  poller: (moment: Moment) => number,
  { limit, chance }: Pick<Moment, "limit" | "chance">,
): Wait {
  let known: ObservedState | undefined;
  let now = 0;
  for (let polls = 0;; polls++) {
    now += poller({ healthCheck, now, polls, known, limit, chance });
    if (now >= limit) {
      return { calls: polls, late: healthyAt < limit ? limit - healthyAt : undefined };
    }
    const health = healthAt(target, now);
    if (health.state === "healthy") return { calls: polls + 1, late: now - healthyAt };
    known = observe(known, health, now * 1_000);
  }
}

/** What one way to poll did with all targets: the median, the 95th percentile, the worst, the mean. */
export interface Row {
  readonly wait: string;
  readonly poller: string;
  readonly calls: readonly number[];
  /** In seconds. */
  readonly late: readonly number[];
}

/** Runs all ways to poll on the same targets, for each limit; the same for the same seed. */
export function results(seed = 1, count = 10_000): Row[] {
  const chance = generator(seed);
  const targets = Array.from({ length: count }, () => randomTarget(chance));
  return Object.entries(LIMITS).flatMap(([wait, limitOf]) =>
    Object.entries(POLLERS).map(([poller, poll]): Row => {
      const chance = generator(2);
      const waits = targets.map((one) => waitFor(one, poll, { limit: limitOf(one), chance }));
      const calls = spreadOf(waits.map(({ calls }) => calls));
      return { wait, poller, calls, late: spreadOf(waits.flatMap(({ late }) => late ?? [])) };
    })
  );
}

function spreadOf(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [quantile(values, 0.5), quantile(values, 0.95), quantile(values, 1), mean];
}

/** The rows of the table, as text. */
export function cellsOf(rows: readonly Row[]): string[][] {
  const digits = (value: number) => Number.isInteger(value) ? `${value}` : value.toFixed(2);
  return rows.map(({ wait, poller, calls, late }) => [
    ...[wait, poller],
    ...[...calls, ...late].map(digits),
  ]);
}

if (import.meta.main) {
  for (const cells of cellsOf(results())) console.log(`| ${cells.join(" | ")} |`);
}
