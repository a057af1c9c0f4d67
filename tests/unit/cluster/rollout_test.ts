import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Cluster } from "../../cluster/cluster.ts";
import { refusal } from "../../cluster/eviction.ts";
import type { BudgetSpec } from "../../cluster/spec.ts";
import {
  budget,
  cluster,
  container,
  deployment,
  nth,
  SERVES,
  sidecar,
  textsOf,
} from "./_cluster.ts";

const readinessProbe = { exec: { command: ["true"] }, periodSeconds: 1 };
/** Their program ends at SIGTERM at once: their end is not what these tests are about. */
const PODS = { containers: [container("main", SERVES, { readinessProbe })] };

/** At each event, how many pods there are and how many of them are ready, without terminating ones. */
function watch(world: Cluster) {
  const seen: { readonly all: number; readonly ready: number }[] = [];
  world.listen(() =>
    // What an event leads to follows it in the same turn.
    queueMicrotask(() => {
      const { replicas, ready } = world.status("app");
      seen.push({ all: replicas, ready });
    })
  );
  return {
    most: () => Math.max(...seen.map(({ all }) => all)),
    least: () => Math.min(...seen.map(({ ready }) => ready)),
  };
}

for (
  const [maxSurge, maxUnavailable, most, least] of [
    [1, 0, 3, 2],
    [0, 1, 2, 1],
    ["50%", "49%", 3, 2],
    ["0%", "25%", 2, 1],
  ] as const
) {
  Deno.test(`with maxSurge ${maxSurge} and maxUnavailable ${maxUnavailable} of 2 there are at most ${most} pods, and at least ${least} ready`, async () => {
    await using world = cluster();
    const strategy = { rollingUpdate: { maxSurge, maxUnavailable } };
    world.apply(deployment(PODS, { replicas: 2, strategy }));
    await world.rolledOut("app");
    const seen = watch(world);
    world.restart("app");
    await world.rolledOut("app");
    assertEquals([seen.most(), seen.least()], [most, least]);
    assertEquals(world.pods.filter(({ revision }) => revision === 2).length, 2);
  });
}

Deno.test("a terminating pod counts for nothing: its replacement is made at once", async () => {
  await using world = cluster();
  const lifecycle = { preStop: { sleep: { seconds: 1_000 } } };
  world.apply(deployment({ containers: [container("main", SERVES, { lifecycle })] }));
  await world.rolledOut("app");
  const [pod] = world.pods;
  assert(pod);
  world.deletePod(pod.name);
  assertEquals(world.pods.length, 2);
  await world.rolledOut("app");
  assertEquals([pod.isGone, world.status("app").replicas], [false, 1]);
});

Deno.test("scaling down takes a pod that is not ready first", async () => {
  await using world = cluster();
  world.apply(deployment(PODS, { replicas: 3 }));
  await world.rolledOut("app");
  const [, second] = world.pods;
  assert(second);
  world.crash(second.name, "main");
  await nth(world, "unready");
  world.scale("app", 2);
  assertEquals(world.pods.filter(({ isTerminating }) => isTerminating), [second]);
});

Deno.test("a rollout without progress for progressDeadlineSeconds is given up; its old pods stay", async () => {
  await using world = cluster();
  const spec = { progressDeadlineSeconds: 30, strategy: { rollingUpdate: { maxUnavailable: 0 } } };
  world.apply(deployment(PODS, spec));
  await world.rolledOut("app");
  const [old] = world.pods;
  const failing = { readinessProbe: { exec: { command: ["false"] } } };
  world.apply(deployment({ containers: [container("main", SERVES, failing)] }, spec));
  await assertRejects(() => world.rolledOut("app"), Error, "exceeded its deadline");
  assertEquals([old?.isReady, old?.isTerminating], [true, false]);
});

Deno.test("an address is given to another pod when its pod is gone", async () => {
  await using world = cluster({ addresses: 1 });
  world.apply(deployment(PODS));
  await world.rolledOut("app");
  const [first] = world.pods;
  assert(first);
  world.scale("app", 0);
  await first.gone;
  world.scale("app", 1);
  assertEquals(world.pods.map(({ ip }) => ip), [first.ip]);
});

for (const podManagementPolicy of ["OrderedReady", "Parallel"]) {
  Deno.test(`a StatefulSet (${podManagementPolicy}) replaces one pod at a time, the highest ordinal first, under its old name`, async () => {
    await using world = cluster();
    world.apply(deployment(PODS, { replicas: 3, podManagementPolicy }, "StatefulSet"));
    await world.rolledOut("app");
    const names = world.pods.map(({ name }) => name);
    assertEquals(names, ["app-0", "app-1", "app-2"]);
    // In order, each pod is made when the one before is ready; in parallel, all at once.
    const made = textsOf(world.events, /^(created|ready)$/).slice(0, 3);
    const isParallel = podManagementPolicy === "Parallel";
    assertEquals(made, isParallel ? Array(3).fill("created") : ["created", "ready", "created"]);
    const before = world.events.length;
    world.restart("app");
    await world.rolledOut("app");
    const replaced = world.events.slice(before).flatMap((event) =>
      ["terminating", "gone", "created", "ready"].includes(event.kind) && "pod" in event
        ? [`${event.pod} ${event.kind}`]
        : []
    );
    const steps = ["terminating", "gone", "created", "ready"];
    assertEquals(
      replaced,
      names.toReversed().flatMap((name) => steps.map((one) => `${name} ${one}`)),
    );
  });
}

for (
  const [limit, ready, allowed, unhealthyAlways = false] of [
    [{ minAvailable: 2 }, 3, true],
    [{ minAvailable: 3 }, 3, false],
    [{ minAvailable: "50%" }, 3, true],
    [{ maxUnavailable: 1 }, 3, true],
    [{ maxUnavailable: 1 }, 2, false],
    [{ maxUnavailable: 0 }, 3, false],
    // Of the first pod, which is not ready.
    [{ maxUnavailable: 1 }, 0, false],
    [{ maxUnavailable: 1 }, 0, true, true],
    [{ maxUnavailable: 1 }, 2, false, true],
  ] as const
) {
  Deno.test(
    `a budget of ${JSON.stringify(limit)}${
      unhealthyAlways ? " and AlwaysAllow" : ""
    } with ${ready} of 3 ready ${allowed ? "allows" : "refuses"} an eviction`,
    () => {
      const budget: BudgetSpec = { name: "app", selector: { app: "app" }, limit, unhealthyAlways };
      const pods = [0, 1, 2].map((index) => ({
        ...{ template: { labels: { app: "app" } }, isReady: index < ready, isTerminating: false },
      }));
      const [pod] = pods;
      assert(pod);
      const others = { pods, expected: 3 };
      assertEquals(refusal(pod, budget, others) === undefined, allowed);
      assertEquals(refusal({ ...pod, isTerminating: true }, budget, others), undefined);
      assertEquals(refusal({ ...pod, template: { labels: {} } }, budget, others), undefined);
    },
  );
}

Deno.test("a pod that two budgets cover is not evicted at all", async () => {
  await using world = cluster();
  world.apply(deployment(PODS));
  for (const name of ["one", "other"]) world.apply(budget(name));
  await world.rolledOut("app");
  const [pod] = world.pods;
  assert(pod && !world.evict(pod.name));
  assertMatch(JSON.stringify(world.events.at(-1)), /more than one PodDisruptionBudget/);
});

Deno.test("a drain cordons the node, asks again while the budget refuses, and ends when all pods are gone", async () => {
  await using world = cluster({ nodes: 2 });
  world.apply(deployment(PODS, { replicas: 3 }));
  world.apply(budget("app"));
  await world.rolledOut("app");
  const drained = world.pods.filter(({ node }) => node === "node-1");
  assertEquals(drained.length, 2);
  await world.drain("node-1");
  assert(drained.every(({ isGone }) => isGone));
  await world.rolledOut("app");
  assertEquals(world.pods.map(({ node }) => node), Array(3).fill("node-2"));
  assert(world.events.some(({ kind }) => kind === "eviction-refused"));
});

for (
  const [what, pod, words] of [
    ["a mount", { containers: [container("main", "", { volumeMounts: [] })] }, "volumeMounts"],
    ["a misspelt field", { containers: [container("main", "", { comand: [] })] }, "comand"],
    ["an init container", { initContainers: [container("init", "")] }, "init containers"],
    ["a sidecar among the main containers", { containers: [sidecar("main")] }, "init containers"],
    [
      "HTTPS",
      {
        containers: [
          container("main", "", { readinessProbe: { httpGet: { port: 1, scheme: "HTTPS" } } }),
        ],
      },
      "httpGet.scheme is not implemented",
    ],
    ["a readiness gate", { containers: [], readinessGates: [] }, "readinessGates"],
  ] as const
) {
  Deno.test(`a manifest with ${what} is refused rather than run as something else`, async () => {
    await using world = cluster();
    await assertRejects(async () => await world.apply(deployment(pod)), Error, words);
  });
}
