import { assert, assertEquals } from "@std/assert";
import { type Evictable, judge, standing } from "../../cluster/eviction.ts";
import type { BudgetSpec } from "../../cluster/spec.ts";
import { budget, cluster, container, deployment, nth, SERVES, told } from "./_cluster.ts";

const labels = { app: "app" };

function pod(isReady: boolean, more: Partial<Evictable> = {}): Evictable {
  return {
    namespace: "default",
    template: { labels },
    isReady,
    isPending: false,
    isTerminating: false,
    ...more,
  };
}

function spec(limit: BudgetSpec["limit"], more: Partial<BudgetSpec> = {}): BudgetSpec {
  return {
    name: "app",
    namespace: "default",
    selector: labels,
    limit,
    alwaysEvictsUnready: false,
    ...more,
  };
}

for (
  const [limit, ready, allowed] of [
    [{ minAvailable: 2 }, 3, 1],
    [{ minAvailable: 3 }, 3, 0],
    [{ minAvailable: "50%" }, 3, 1],
    [{ maxUnavailable: 1 }, 3, 1],
    [{ maxUnavailable: 1 }, 2, 0],
    [{ maxUnavailable: "30%" }, 3, 1],
    [{ maxUnavailable: 0 }, 3, 0],
  ] as const
) {
  Deno.test(`a budget of ${JSON.stringify(limit)} allows ${allowed} evictions with ${ready} of 3 ready`, () => {
    const pods = [0, 1, 2].map((index) => pod(index < ready));
    assertEquals(standing(spec(limit), pods, 3).allowed, allowed);
  });
}

Deno.test("a budget counts ready pods of its own alone, and no terminating ones", () => {
  const pods = [
    pod(true),
    pod(true, { isTerminating: true }),
    pod(true, { namespace: "other" }),
    pod(true, { template: { labels: { app: "other" } } }),
  ];
  assertEquals(standing(spec({ minAvailable: 1 }), pods, 1).healthy, 1);
});

function answer(one: Evictable, budgets: readonly BudgetSpec[], allowed: number, healthy = 3) {
  return judge(one, budgets, () => ({ allowed, healthy, desired: 3 })).answer;
}

Deno.test("an eviction is refused while the budget allows none; without a budget it never is", () => {
  const own = spec({ minAvailable: 3 });
  assertEquals(answer(pod(true), [own], 0), "tooMany");
  assertEquals(answer(pod(true), [own], 1), "evict");
  assertEquals(answer(pod(true), [], 0), "evict");
  assertEquals(answer(pod(true), [own, own], 1), "misconfigured");
});

Deno.test("a pod that is pending or terminating may always be evicted; one that is not ready while enough others are, or by policy", () => {
  const own = spec({ minAvailable: 3 });
  assertEquals(answer(pod(false, { isPending: true }), [own], 0), "evict");
  assertEquals(answer(pod(true, { isTerminating: true }), [own], 0), "evict");
  assertEquals(answer(pod(false), [own], 0, 3), "evict");
  assertEquals(answer(pod(false), [own], 0, 2), "tooMany");
  const always = spec({ minAvailable: 3 }, { alwaysEvictsUnready: true });
  assertEquals(answer(pod(false), [always], 0, 2), "evict");
});

Deno.test("a drain cordons the node, asks again while the budget refuses, and ends when all pods are gone", async () => {
  await using world = cluster({ nodes: 2 });
  world.cordon("node-2");
  const readinessProbe = { exec: { command: ["sleep", "0.1"] }, periodSeconds: 1 };
  const containers = [container("main", SERVES, { readinessProbe })];
  world.apply(deployment({ containers }, { spec: { replicas: 2 } }));
  world.apply(budget({ minAvailable: 1 }));
  await world.rolledOut("app");
  assertEquals(world.pods.map(({ node }) => node), ["node-1", "node-1"]);
  world.uncordon("node-2");
  await world.drain("node-1");
  await world.rolledOut("app");
  assertEquals(world.pods.map(({ node }) => node), ["node-2", "node-2"]);
  assert(told(world, /eviction-refused/).length > 0);
  const evicted = world.events.filter((event) =>
    event.kind === "terminating" && event.reason === "evicted"
  );
  assertEquals(evicted.length, 2);
  // The second one had to wait for the first one's replacement.
  const replacement = world.events.filter(({ kind }) => kind === "ready")[2];
  assert(replacement && evicted[1] && evicted[1].at >= replacement.at);
});

Deno.test("a pod that no node takes waits, and starts when one does", async () => {
  await using world = cluster();
  world.cordon("node-1");
  world.apply(deployment({ containers: [container("main", SERVES)] }));
  assertEquals(world.pods.map(({ node, isPending }) => [node, isPending]), [[undefined, true]]);
  world.uncordon("node-1");
  await nth(world, "ready");
  assertEquals(world.pods.map(({ node }) => node), ["node-1"]);
});
