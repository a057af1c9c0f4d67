import { assert, assertEquals } from "@std/assert";
import { ASKERS, type Moment, waitFor } from "../../bench/plan_askers.ts";
import { cellsOf, compare, results, type Row } from "../../bench/plan_results.ts";
import { healthAt, type ModelTarget, randomTarget } from "../../bench/plan_targets.ts";
import { generator } from "../../emulator/faults.ts";
import { tableAfter } from "../docs/_docs.ts";

const healthCheck = {
  enabled: true,
  intervalSeconds: 30,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
};

/** A target that turns healthy at this second. */
function healthyAt(healthyAt: number): ModelTarget {
  const registering = { from: 0, state: "initial", reason: "Elb.RegistrationInProgress" };
  const stages = [registering, { from: healthyAt, state: "healthy" }];
  return { healthCheck, healthyAt, stages };
}

const wait = { limit: 300, chance: () => 0.5 };
const all = results();

Deno.test("docs/plan.md shows the table that the benchmark prints", () => {
  assertEquals(tableAfter("docs/plan.md", "## The table"), cellsOf(all).slice(1));
});

Deno.test("the plan is the better one, or no plan can be", () => {
  assertEquals(compare(all).filter(({ outcome }) => outcome === "not better"), []);
});

Deno.test("the plan is never later at worst than a poll every 15 s, and cheaper on average", () => {
  for (const wait of ["long enough", "default 5 min"]) {
    const [plan, fixed] = ["plan", "fixed 15 s"].map((asker) =>
      all.find((row) => row.wait === wait && row.asker === asker)
    );
    assert(plan !== undefined && fixed !== undefined);
    assert(plan.lateness.worst <= 15 + 1e-9, `${plan.lateness.worst}`);
    assert(plan.calls.mean < fixed.calls.mean);
    assert(plan.lateness.mean < fixed.lateness.mean);
  }
});

Deno.test("the benchmark says the same each time", () => {
  assertEquals(results(5, 200), results(5, 200));
  assert(JSON.stringify(results(5, 200)) !== JSON.stringify(results(6, 200)));
});

Deno.test("compare() calls a tie not better, unless the bound forbids to be better", () => {
  const spread = { median: 10, p95: 10, worst: 10, mean: 10 };
  const rows = (bound: number): Row[] =>
    ["long enough", "default 5 min"].flatMap((wait) =>
      Object.keys(ASKERS).map((asker) => ({
        wait,
        asker,
        calls: asker === "bound" ? { ...spread, median: bound, p95: bound } : spread,
        lateness: spread,
      }))
    );
  const outcomes = (bound: number, measure: string) => [
    ...new Set(
      compare(rows(bound)).filter(({ what }) => what.includes(measure)).map(({ outcome }) =>
        outcome
      ),
    ),
  ];
  assertEquals(outcomes(9, "calls"), ["not better"]);
  assertEquals(outcomes(10, "calls"), ["cannot be"]);
  assertEquals(outcomes(10, "lateness"), ["not better"]);
});

Deno.test("the fixed poll asks at once, and every 15 s", () => {
  const fixed = ASKERS["fixed 15 s"];
  assertEquals(waitFor(healthyAt(100), fixed, wait), { calls: 8, lateness: 5 });
  assertEquals(waitFor(healthyAt(290), fixed, wait), { calls: 20, lateness: 10 });
  assertEquals(waitFor(healthyAt(Infinity), fixed, wait), { calls: 20, lateness: undefined });
});

Deno.test("the SDK's waiter asks ever more rarely, from 15 s to 120 s", () => {
  const delay = (asked: number, now = 0) =>
    ASKERS["SDK's waiter"]({ ...wait, healthCheck, known: undefined, now, asked } satisfies Moment);
  assertEquals([0, 1, 2, 3, 4, 5].map((asked) => delay(asked)), [0, 15, 22.5, 37.5, 67.5, 120]);
  assertEquals(delay(4, 290), 9.5);
});

Deno.test("the model's targets have settings that the API allows, and states in order", () => {
  const chance = generator(3);
  const kinds = { healthy: 0, never: 0, unhealthyFirst: 0, atFirstCheck: 0 };
  for (let one = 0; one < 2_000; one++) {
    const target = randomTarget(chance);
    const { healthCheck: check, stages } = target;
    assert(check.intervalSeconds >= 5 && check.intervalSeconds <= 300);
    assert(check.healthyThreshold >= 2 && check.healthyThreshold <= 10);
    assert(check.unhealthyThreshold >= 2 && check.unhealthyThreshold <= 10);
    const starts = stages.map(({ from }) => from);
    assertEquals(starts, starts.toSorted((a, b) => a - b));
    if (target.healthyAt === Infinity) kinds.never++;
    else {
      kinds.healthy++;
      assertEquals(healthAt(target, target.healthyAt).state, "healthy");
    }
    if (stages.some(({ state }) => state === "unhealthy")) kinds.unhealthyFirst++;
    if (stages.length === 3 && target.healthyAt - (starts[1] ?? 0) < check.intervalSeconds) {
      kinds.atFirstCheck++;
    }
  }
  for (const [kind, count] of Object.entries(kinds)) assert(count > 50, `${kind}: ${count}`);
});
