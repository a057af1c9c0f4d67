import { assertEquals } from "@std/assert";
import type { Event } from "../../cluster/events.ts";
import { seenByUsers, surplus } from "../../rollout/outcome.ts";
import { holds, verdict } from "../../rollout/proof.ts";
import { rowsOf } from "../../rollout/spans.ts";
import { markdown } from "../../rollout/table.ts";

const at = (time: number, pod: string, kind: "ready" | "unready" | "gone"): Event => ({
  at: time,
  pod,
  kind,
});
const created = (time: number, pod: string): Event => ({
  ...{ at: time, pod, kind: "created", revision: 1 },
});

Deno.test("the surplus is what stands beside the replicas, from the rollout's begin on", () => {
  const events = [
    ...[created(0, "a"), created(0, "b"), created(10, "c")],
    ...[created(40, "d"), at(60, "a", "gone"), at(100, "b", "gone")],
  ];
  // From 20: one more until 40, two until 60, one until 100.
  assertEquals(surplus(events, 2, 20), 20 + 2 * 20 + 40);
  assertEquals(surplus(events, 4, 0), 0);
});

Deno.test("a pod's row tells starting, in service, draining and ending apart", () => {
  const events: Event[] = [
    created(0, "a"),
    { at: 1, pod: "a", kind: "scheduled", node: "node-1", ip: "127.9.9.1" },
    ...[at(10, "a", "ready"), at(12, "a", "unready"), at(14, "a", "ready")],
    { at: 20, pod: "a", kind: "terminating", reason: "scaled down" },
    // A pod that drains is not ready, and that is no state of its own.
    at(22, "a", "unready"),
    ...["nlb-registrator", "edge"].map((container, index): Event => ({
      ...{ at: 25 + index * 5, pod: "a", container, kind: "signal" },
      ...{ signal: "SIGTERM", ignored: false },
    })),
    at(40, "a", "gone"),
  ];
  const [row] = rowsOf(events, 100);
  assertEquals(row?.spans.map(({ state, from }) => [state, from]), [
    ["starting", 0],
    ["in service", 10],
    ["not ready", 12],
    ["in service", 14],
    ["draining", 20],
    ["ending", 30],
  ]);
  assertEquals([row?.ip, row?.isGone, row?.spans.at(-1)?.to], ["127.9.9.1", true, 40]);
  assertEquals(rowsOf(events.slice(0, 3), 100)[0]?.spans.at(-1)?.to, 100);
});

const tally = (begun: number, failed: number) => ({ begun, done: 0, endedByService: 0, failed });

Deno.test("what this machine could not try is no failure, and no success", () => {
  const failure = { on: "short", at: 0, begunAt: 0, message: "" } as const;
  const seen = seenByUsers({
    tallies: { "short": tally(10, 2), "half-closed": tally(5, 0), "lasting": tally(1, 1) },
    failures: [{ ...failure, what: "not-tried" }, { ...failure, what: "reset" }],
    ...{ withheld: 3, time: 0 },
  });
  assertEquals(seen, { begun: 15, failed: 2, notTried: 4 });
});

Deno.test("a proof holds when nothing failed of as much as was to be tried", () => {
  const outcome = {
    ...{ strategy: "sidecar", rollouts: 2, begun: 100, failed: 0, notTried: 0, duration: 1 },
    ...{ untilGone: 1, calls: 1, surplus: 1, losses: [] },
  };
  const size = { rollouts: 2, connections: 100 };
  assertEquals(holds([outcome, outcome], size), true);
  assertEquals(holds([outcome, { ...outcome, failed: 1 }], size), false);
  assertEquals(holds([outcome, { ...outcome, begun: 99 }], size), false);
  assertEquals(
    verdict([outcome, { ...outcome, failed: 1 }]),
    "1 of 200 connections failed in 4 rollouts",
  );
});

Deno.test("a table's columns are as wide as their widest cells", () => {
  assertEquals(
    markdown(["a", "of"], [["long", "1"]]),
    "| a    | of |\n| ---- | -- |\n| long | 1  |",
  );
});
