import { assert, assertEquals } from "@std/assert";
import { cellsOf, POLLERS, results, waitFor } from "../../bench/plan.ts";
import { healthAt, type ModelTarget, randomTarget } from "../../bench/plan_targets.ts";
import { generator } from "../../emulator/faults.ts";
import { tableAfter } from "../docs/_docs.ts";

/** A target that turns healthy at this second. */
function healthyAt(healthyAt: number): ModelTarget {
  const thresholds = { healthyThreshold: 5, unhealthyThreshold: 2 };
  const registering = { from: 0, state: "initial", reason: "Elb.RegistrationInProgress" };
  return {
    healthCheck: { enabled: true, intervalSeconds: 30, ...thresholds },
    healthyAt,
    stages: [registering, { from: healthyAt, state: "healthy" }],
  };
}

const all = results();

Deno.test("docs/polling.md shows the table that the benchmark prints", () => {
  assertEquals(tableAfter("docs/polling.md", "## The table"), cellsOf(all));
});

Deno.test("the schedule is 2 s late at the median, 5 s at the 95th percentile, never more than 15 s", () => {
  const plan = all.filter(({ poller }) => poller === "plan");
  assertEquals(plan.length, 2);
  for (const { late: [median = NaN, most = NaN, worst = NaN] } of plan) {
    assert(median <= 2 && most <= 5 && worst <= 15, `${[median, most, worst]}`);
  }
});

Deno.test("a wait counts its polls, and how late the last one is", () => {
  const poller = POLLERS["fixed 15 s"];
  assert(poller);
  const wait = { limit: 300, chance: () => 0.5 };
  assertEquals(waitFor(healthyAt(100), poller, wait), { calls: 8, late: 5 });
  assertEquals(waitFor(healthyAt(290), poller, wait), { calls: 20, late: 10 });
  assertEquals(waitFor(healthyAt(Infinity), poller, wait), { calls: 20, late: undefined });
});

Deno.test("the model's targets have settings that the API allows, and states in order", () => {
  const chance = generator(3);
  for (let one = 0; one < 2_000; one++) {
    const target = randomTarget(chance);
    const { intervalSeconds, healthyThreshold, unhealthyThreshold } = target.healthCheck;
    assert(intervalSeconds >= 5 && intervalSeconds <= 300);
    for (const threshold of [healthyThreshold, unhealthyThreshold]) {
      assert(threshold >= 2 && threshold <= 10);
    }
    const starts = target.stages.map(({ from }) => from);
    assertEquals(starts, starts.toSorted((a, b) => a - b));
    if (target.healthyAt === Infinity) continue;
    assertEquals(healthAt(target, target.healthyAt).state, "healthy");
  }
});
