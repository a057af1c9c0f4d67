/** What the askers did with many targets, and whether the plan is the better one. */
import { generator } from "../emulator/faults.ts";
import { type Asker, ASKERS, type Wait, waitFor } from "./plan_askers.ts";
import { type ModelTarget, randomTarget } from "./plan_targets.ts";
import { quantile } from "./statistics.ts";

const TARGETS = 10_000;

/** How long a wait lasts at most, in seconds. */
export const LIMITS: Readonly<Record<string, (target: ModelTarget) => number>> = {
  // The registration, the time the application takes, and the checks: as long as it can take.
  "long enough": ({ healthCheck }) => {
    const { intervalSeconds, healthyThreshold, unhealthyThreshold } = healthCheck;
    const checks = healthyThreshold + unhealthyThreshold + 1;
    return Math.max(300, 180 + 120 + intervalSeconds * checks);
  },
  "default 5 min": () => 300,
};

/** Of many values. */
interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
  readonly mean: number;
}

/** What one asker did. */
export interface Row {
  readonly wait: string;
  readonly asker: string;
  readonly calls: Spread;
  /** In seconds. */
  readonly lateness: Spread;
}

/** Runs all askers on the same targets, for each limit; the same for the same seed. */
export function results(seed = 1, count = TARGETS): Row[] {
  const chance = generator(seed);
  const targets = Array.from({ length: count }, () => randomTarget(chance));
  return Object.entries(LIMITS).flatMap(([wait, limitOf]) =>
    Object.entries(ASKERS).map(([asker, ask]): Row => {
      const waits = runAll(targets, ask, limitOf);
      return {
        wait,
        asker,
        calls: spreadOf(waits.map(({ calls }) => calls)),
        lateness: spreadOf(waits.flatMap(({ lateness }) => lateness ?? [])),
      };
    })
  );
}

function runAll(
  targets: readonly ModelTarget[],
  asker: Asker,
  limitOf: (target: ModelTarget) => number,
): Wait[] {
  const chance = generator(2);
  return targets.map((target) => waitFor(target, asker, { limit: limitOf(target), chance }));
}

function spreadOf(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    worst: quantile(values, 1),
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  };
}

/** How the plan's figure stands to that of another asker. */
export interface Comparison {
  readonly what: string;
  /** `cannot be`: nor can any plan that is never more than 15 s late. */
  readonly outcome: "better" | "cannot be" | "not better";
}

/** The plan against the others: calls and lateness, median and 95th percentile. */
export function compare(rows: readonly Row[]): Comparison[] {
  const of = (wait: string, asker: string): Row => {
    const row = rows.find((row) => row.wait === wait && row.asker === asker);
    if (row === undefined) throw new RangeError(`No row for ${asker}, ${wait}`);
    return row;
  };
  return Object.keys(LIMITS).flatMap((wait) =>
    ["fixed 15 s", "SDK's waiter"].flatMap((rival) =>
      (["calls", "lateness"] as const).flatMap((measure) =>
        (["median", "p95"] as const).map((share): Comparison => {
          const figure = (asker: string) => of(wait, asker)[measure][share];
          const [ours, theirs] = [figure("plan"), figure(rival)];
          const isBound = measure === "calls" && figure("bound") >= theirs;
          const what = `${wait}: ${measure}, ${share}, than ${rival} ` +
            `(${digits(ours)}, ${digits(theirs)})`;
          return { what, outcome: ours < theirs ? "better" : isBound ? "cannot be" : "not better" };
        })
      )
    )
  );
}

/** The head of the table, and its rows. */
export function cellsOf(rows: readonly Row[]): string[][] {
  const spread = ({ median, p95, worst, mean }: Spread) => [median, p95, worst, mean].map(digits);
  return [
    [
      "wait",
      "asks",
      ...["calls", "s late"].flatMap((measure) =>
        ["median", "95 %", "worst", "mean"].map((share) => `${measure}: ${share}`)
      ),
    ],
    ...rows.map(({ wait, asker, calls, lateness }) => [
      wait,
      asker,
      ...spread(calls),
      ...spread(lateness),
    ]),
  ];
}

function digits(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(2);
}
