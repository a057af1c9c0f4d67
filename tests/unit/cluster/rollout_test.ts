import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Cluster } from "../../cluster/cluster.ts";
import { cluster, container, deployment, type Json, nth, SERVES, story } from "./_cluster.ts";

const strategy = (maxSurge: number | string, maxUnavailable: number | string): Json => ({
  strategy: { rollingUpdate: { maxSurge, maxUnavailable } },
});

/** The pods' program ends at SIGTERM at once: their going is not what these tests are about. */
const PODS = {
  containers: [container("main", SERVES, {
    readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
  })],
};

/** At each event, how many pods there are and how many of them are ready, without terminating ones. */
function watch(world: Cluster): { readonly most: () => number; readonly least: () => number } {
  const seen: { readonly all: number; readonly ready: number }[] = [];
  world.listen(() =>
    // What an event leads to follows it in the same turn.
    queueMicrotask(() => {
      const standing = world.pods.filter(({ isTerminating }) => !isTerminating);
      seen.push({
        all: standing.length,
        ready: standing.filter(({ isReady }) => isReady).length,
      });
    })
  );
  return {
    most: () => Math.max(...seen.map(({ all }) => all)),
    least: () => Math.min(...seen.map(({ ready }) => ready)),
  };
}

Deno.test("with maxSurge 1 and maxUnavailable 0 there is one pod more at most, and never one ready pod less", async () => {
  await using world = cluster();
  world.apply(deployment(PODS, { spec: { replicas: 2, ...strategy(1, 0) } }));
  await world.rolledOut("app");
  const { most, least } = watch(world);
  world.restart("app");
  await world.rolledOut("app");
  assertEquals([most(), least()], [3, 2]);
  assertEquals(world.status("app"), {
    replicas: 2,
    updated: 2,
    ready: 2,
    available: 2,
    isRolledOut: true,
  });
});

Deno.test("with maxSurge 0 and maxUnavailable 1 there is never a pod more, and one ready pod less at most", async () => {
  await using world = cluster();
  world.apply(deployment(PODS, { spec: { replicas: 2, ...strategy(0, 1) } }));
  await world.rolledOut("app");
  const { most, least } = watch(world);
  world.restart("app");
  await world.rolledOut("app");
  assertEquals([most(), least()], [2, 1]);
});

Deno.test("a pod is available when it has been ready for minReadySeconds", async () => {
  await using world = cluster();
  world.apply(deployment(PODS, { spec: { minReadySeconds: 20, ...strategy(1, 0) } }));
  await world.rolledOut("app");
  const [ready, available] = await Promise.all([nth(world, "ready"), nth(world, "available")]);
  // 20 s here are 200 ms; a timer may be a millisecond early.
  assert(available.at - ready.at >= 199);
  world.restart("app");
  const second = await nth(world, "available", { count: 2 });
  const terminating = await nth(world, "terminating");
  assert(terminating.at >= second.at);
});

Deno.test("a terminating pod counts for nothing: its replacement is made at once", async () => {
  await using world = cluster();
  const lifecycle = { preStop: { sleep: { seconds: 1_000 } } };
  world.apply(deployment({
    terminationGracePeriodSeconds: 1_000,
    containers: [container("main", SERVES, { lifecycle })],
  }));
  await world.rolledOut("app");
  const [pod] = world.pods;
  assert(pod);
  world.deletePod(pod.name);
  assertEquals(world.pods.length, 2);
  await world.rolledOut("app");
  assertEquals(pod.isGone, false);
  assertEquals(world.status("app").replicas, 1);
});

Deno.test("scaling down takes pods that are not ready first, then those in company on a node", async () => {
  await using world = cluster({ nodes: 2 });
  world.apply(deployment(PODS, { spec: { replicas: 3 } }));
  await world.rolledOut("app");
  const [first, second, third] = world.pods;
  assert(first && second && third);
  assertEquals([first.node, second.node, third.node], ["node-1", "node-2", "node-1"]);
  world.crash(second.name, "main");
  await nth(world, "unready");
  world.scale("app", 2);
  assertEquals(second.isTerminating, true);
  world.scale("app", 3);
  await world.rolledOut("app");
  world.cordon("node-2");
  world.scale("app", 2);
  const [going] = world.pods.filter((pod) => pod.isTerminating && pod !== second);
  assertEquals(going?.node, "node-1");
});

Deno.test("going back to an earlier template is a rollout too, with a revision of its own", async () => {
  await using world = cluster();
  const first = deployment(PODS);
  world.apply(first);
  await world.rolledOut("app");
  world.apply(deployment(PODS, { annotations: { note: "second" } }));
  await world.rolledOut("app");
  world.apply(first);
  await world.rolledOut("app");
  world.apply(first);
  const revisions = world.events.flatMap((event) =>
    event.kind === "created" ? [event.revision] : []
  );
  assertEquals(revisions, [1, 2, 3]);
});

Deno.test("a rollout without progress for progressDeadlineSeconds is given up waiting for; its old pods stay", async () => {
  await using world = cluster();
  const spec = { progressDeadlineSeconds: 30, ...strategy(1, 0) };
  world.apply(deployment(PODS, { spec }));
  await nth(world, "available");
  const [old] = world.pods;
  const readinessProbe = { exec: { command: ["false"] } };
  world.apply(
    deployment({ containers: [container("main", SERVES, { readinessProbe })] }, { spec }),
  );
  await assertRejects(() => world.rolledOut("app"), Error, "exceeded its progress deadline");
  assertEquals([old?.isReady, old?.isTerminating], [true, false]);
});

Deno.test("the number of replicas cannot be changed during a rollout, which would be proportional scaling", async () => {
  await using world = cluster();
  world.apply(deployment(PODS, { spec: { replicas: 2, ...strategy(1, 0) } }));
  await world.rolledOut("app");
  world.restart("app");
  assertThrows(() => world.scale("app", 3), Error, "not implemented");
});

Deno.test("addresses go to other pods when their pods are gone, the one longest free first", async () => {
  await using world = cluster({ addresses: 2 });
  world.apply(deployment(PODS));
  await world.rolledOut("app");
  const [first] = world.pods;
  assert(first);
  world.deletePod(first.name);
  await first.gone;
  await world.rolledOut("app");
  const [second] = world.pods;
  assert(second && second.ip !== first.ip);
  world.deletePod(second.name);
  await second.gone;
  assertEquals(world.pods.map(({ ip }) => ip), [first.ip]);
  assertEquals(story(world).filter((text) => text === "gone").length, 2);
});
