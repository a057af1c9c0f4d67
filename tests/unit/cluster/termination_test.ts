import { assert, assertEquals } from "@std/assert";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Pod } from "../../cluster/pod.ts";
import {
  brief,
  cluster,
  container,
  deployment,
  type Json,
  nth,
  SERVES,
  STAYS,
  story,
} from "./_cluster.ts";

const PORT = 8_080;

/** Runs a pod until all its programs are up. */
async function up(world: Cluster, spec: Json): Promise<Pod> {
  world.apply(deployment(spec));
  const [pod] = world.pods;
  assert(pod);
  await nth(world, "ready");
  await Promise.all(pod.containers.map((one) => one.line(/up/)));
  return pod;
}

/** Deletes a pod; what happened until it was gone, as the story of that pod alone. */
async function end(world: Cluster, { name, gone }: Pod, pattern: RegExp): Promise<string[]> {
  world.scale("app", 0);
  const before = story(world).length;
  world.deletePod(name);
  await gone;
  return story(world).slice(before).filter((text) => pattern.test(text));
}

/** When the first part of the story that matches happened. */
function at(world: Cluster, pattern: RegExp): number {
  const event = world.events.find((event) => pattern.test(brief(event)));
  assert(event);
  return event.at;
}

const preStop = (hook: Json) => ({ lifecycle: { preStop: hook } });
const sidecar = { restartPolicy: "Always" };
const LONG = 6_000;

Deno.test("at a pod's deletion the preStop hooks of all containers begin at once, those of sidecars too", async () => {
  await using world = cluster();
  const hook = preStop({ sleep: { seconds: 30 } });
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    initContainers: [container("sidecar", SERVES, { ...sidecar, ...hook })],
    containers: [container("one", SERVES, hook), container("two", SERVES, hook)],
  });
  world.scale("app", 0);
  await pod.gone;
  const hooks = story(world).filter((text) => /preStop/.test(text));
  assertEquals(hooks.slice(0, 3).every((text) => text.endsWith("begins")), true, `${hooks}`);
  assertEquals(hooks.length, 6);
});

Deno.test("a container's SIGTERM comes after its own preStop hook; other main containers do not wait for it", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    containers: [
      container("slow", SERVES, preStop({ sleep: { seconds: 100 } })),
      container("quick", SERVES),
    ],
  });
  assertEquals(await end(world, pod, /preStop|SIG|exited/), [
    "slow preStop begins",
    "quick SIGTERM",
    "quick exited 0",
    "slow preStop done",
    "slow SIGTERM",
    "slow exited 0",
  ]);
});

Deno.test("sidecars get SIGTERM when all main containers are gone, one after the other, the last one first", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    initContainers: [container("first", SERVES, sidecar), container("second", SERVES, sidecar)],
    containers: [container("main", SERVES, preStop({ sleep: { seconds: 20 } }))],
  });
  assertEquals(await end(world, pod, /SIG|exited/), [
    "main SIGTERM",
    "main exited 0",
    "second SIGTERM",
    "second exited 0",
    "first SIGTERM",
    "first exited 0",
  ]);
});

Deno.test("preStop and the time after SIGTERM share the grace period; then comes SIGKILL", async () => {
  await using world = cluster({ timeScale: 50 });
  const pod = await up(world, {
    terminationGracePeriodSeconds: 100,
    containers: [container("main", STAYS, preStop({ sleep: { seconds: 95 } }))],
  });
  assertEquals(await end(world, pod, /preStop|SIG|exited/), [
    "main preStop begins",
    "main preStop done",
    "main SIGTERM",
    "main SIGKILL",
    "main exited 137",
  ]);
  const [deleted, term, kill] = [/terminating/, /SIGTERM/, /SIGKILL/].map((one) => at(world, one));
  assert(deleted !== undefined && term !== undefined && kill !== undefined);
  // 100 s here are 2000 ms, of which 100 are left after preStop; a timer may be 1 ms early.
  assert(kill - deleted >= 1_999, `${kill - deleted}`);
  assert(kill - term < 2_000, `${kill - term}`);
});

Deno.test("a preStop hook is given up when the grace period is over; SIGKILL comes 2 s after SIGTERM then", async () => {
  await using world = cluster({ timeScale: 20 });
  const pod = await up(world, {
    terminationGracePeriodSeconds: 2,
    containers: [container("main", STAYS, preStop({ exec: { command: ["sleep", "1000"] } }))],
  });
  assertEquals(await end(world, pod, /preStop|SIG|exited/), [
    "main preStop begins",
    "main preStop abandoned",
    "main SIGTERM",
    "main SIGKILL",
    "main exited 137",
  ]);
  const signals = world.events.filter(({ kind }) => kind === "signal");
  const [term, kill] = signals.map(({ at }) => at);
  assert(term !== undefined && kill !== undefined && kill - term >= 99, `${term} ${kill}`);
});

Deno.test("when main containers use up the grace period, sidecars get SIGTERM while these still run, and 2 s", async () => {
  await using world = cluster({ timeScale: 20 });
  const pod = await up(world, {
    terminationGracePeriodSeconds: 2,
    initContainers: [container("sidecar", STAYS, sidecar)],
    containers: [container("main", STAYS, preStop({ sleep: { seconds: 2 } }))],
  });
  const told = await end(world, pod, /SIG|exited/);
  assert(told.indexOf("sidecar SIGTERM") < told.indexOf("main exited 137"), `${told}`);
  assertEquals(told.filter((text) => text === "sidecar SIGKILL").length, 1);
});

Deno.test("an httpGet hook comes from the node, as kube-lifecycle; any status is success, and it waits as long as it takes", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    containers: [container("main", SERVES, preStop({ httpGet: { port: PORT, path: "/drain" } }))],
  });
  const asked = Promise.withResolvers<string>();
  const answer = Promise.withResolvers<Response>();
  await using _server = Deno.serve(
    { hostname: pod.ip ?? "", port: PORT, onListen: () => {} },
    ({ url, headers, method }, { remoteAddr }) => {
      const isNode = remoteAddr.hostname === pod.identity?.hostIP;
      asked.resolve(`${method} ${new URL(url).pathname} ${headers.get("user-agent")} ${isNode}`);
      return answer.promise;
    },
  );
  const ended = end(world, pod, /preStop|SIG|exited/);
  const request = await asked.promise;
  const early = story(world).filter((text) => /SIG/.test(text));
  answer.resolve(new Response("no", { status: 503 }));
  assertEquals([request, early], ["GET /drain kube-lifecycle/1.34 true", []]);
  assertEquals(await ended, [
    "main preStop begins",
    "main preStop done",
    "main SIGTERM",
    "main exited 0",
  ]);
});

Deno.test("an httpGet hook without an answer is given up at the end of the grace period", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: 20,
    containers: [container("main", SERVES, preStop({ httpGet: { port: PORT } }))],
  });
  await using _server = Deno.serve(
    { hostname: pod.ip ?? "", port: PORT, onListen: () => {} },
    () => pod.gone.then(() => new Response()),
  );
  assertEquals(await end(world, pod, /preStop|SIGTERM/), [
    "main preStop begins",
    "main preStop abandoned",
    "main SIGTERM",
  ]);
});

Deno.test("a preStop hook that fails holds up nothing", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    containers: [
      container("one", SERVES, preStop({ exec: { command: ["false"] } })),
      container("two", SERVES, preStop({ httpGet: { port: PORT } })),
    ],
  });
  const told = await end(world, pod, /preStop failed|exited/);
  assertEquals(told.sort(), [
    "one exited 0",
    "one preStop failed",
    "two exited 0",
    "two preStop failed",
  ]);
});

Deno.test("a sleep hook fails early when its container ends, and the container is not started again", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    containers: [container("main", SERVES, preStop({ sleep: { seconds: LONG } }))],
  });
  const ended = end(world, pod, /preStop|exited|started/);
  await nth(world, "hook-begun");
  world.crash(pod.name, "main");
  assertEquals(await ended, ["main preStop begins", "main exited 137", "main preStop failed"]);
});

Deno.test("a sidecar that ends by itself while its pod is being deleted is not started again", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: LONG,
    initContainers: [container("sidecar", SERVES, sidecar)],
    containers: [container("main", SERVES, preStop({ exec: { command: ["cat", "/dev/zero"] } }))],
  });
  const ended = end(world, pod, /exited|started/);
  await nth(world, "hook-begun");
  world.crash(pod.name, "sidecar");
  await nth(world, "exited", { of: "sidecar" });
  world.crash(pod.name, "main");
  assertEquals(await ended, ["sidecar exited 137", "main exited 137"]);
});

Deno.test("SIGTERM does nothing to a first process without a handler for it", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: 5,
    containers: [container("main", "echo up; exec sleep 1000")],
  });
  assertEquals(await end(world, pod, /SIG|exited/), [
    "main SIGTERM ignored",
    "main SIGKILL",
    "main exited 137",
  ]);
});

Deno.test("a deletion may give a grace period of its own", async () => {
  await using world = cluster();
  const pod = await up(world, {
    terminationGracePeriodSeconds: 100_000,
    containers: [container("main", STAYS)],
  });
  world.deletePod(pod.name, 5);
  await pod.gone;
  const own = world.events.filter((event) => "pod" in event && event.pod === pod.name);
  const signals = own.flatMap((event) => event.kind === "signal" ? [event.signal] : []);
  assertEquals(signals, ["SIGTERM", "SIGKILL"]);
});
