import { assertEquals, assertRejects } from "@std/assert";
import { allEnd } from "../../process/proc.ts";
import {
  cluster,
  container,
  nth,
  podOf,
  PORT,
  readyPodOf,
  serve,
  SERVES,
  sidecar,
  textsOf,
} from "./_cluster.ts";

Deno.test("the next container starts when a native sidecar's startup probe has succeeded", async () => {
  await using world = cluster();
  const startupProbe = { httpGet: { port: PORT }, periodSeconds: 1, failureThreshold: 10_000 };
  const pod = await podOf(world, {
    initContainers: [sidecar("sidecar", SERVES, { startupProbe })],
    containers: [container("main", SERVES)],
  });
  await nth(world, "probe-failed", { count: 2 });
  assertEquals(textsOf(world.events, / started/), ["sidecar started"]);
  await using _server = serve(pod, () => new Response());
  await nth(world, "ready");
  assertEquals(textsOf(world.events, / started/), ["sidecar started", "main started"]);
});

Deno.test("a native sidecar that never starts up is killed again and again, and main containers never start", async () => {
  await using world = cluster();
  await podOf(world, {
    initContainers: [sidecar("sidecar", SERVES, {
      startupProbe: { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 2 },
    })],
    containers: [container("main", SERVES)],
  });
  await nth(world, "container-started", { count: 2 });
  assertEquals(textsOf(world.events, /main|killing/), ["sidecar killing"]);
});

Deno.test("variables can be fields of the pod, and $(VAR) stands for one in arguments", async () => {
  await using world = cluster();
  const field = (name: string, fieldPath: string) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  const pod = await readyPodOf(world, {
    containers: [container("main", `echo "$BOTH $(WORD) $(OTHER)"; ${SERVES}`, {
      env: [
        field("IP", "status.podIP"),
        field("HOST_IP", "status.hostIP"),
        { name: "WORD", value: "yes" },
        { name: "BOTH", value: "$(IP)-$(HOST_IP)" },
      ],
    })],
  });
  const { ip, hostIP } = pod.identity ?? {};
  assertEquals(world.log(pod.name, "main")[0]?.split(" ").slice(0, 2), [`${ip}-${hostIP}`, "yes"]);
});

Deno.test("a container that cannot be run at all is reported to whoever waits", async () => {
  await using world = cluster();
  const spec = { containers: [container("main", SERVES, { image: "other" })] };
  await assertRejects(() => podOf(world, spec), Error, "main: there is no program for image other");
});

Deno.test("a container that ends is started again, at once and then after the back-off", async () => {
  await using world = cluster();
  await podOf(world, { containers: [container("main", "exit 7")] });
  await nth(world, "container-started", { count: 4 });
  assertEquals(textsOf(world.events, /main/).slice(0, 8), [
    ...["main started", "main exited 7", "main started", "main exited 7"],
    ...["main back-off", "main started", "main exited 7", "main back-off"],
  ]);
  const pauses = world.events.flatMap((event) => event.kind === "back-off" ? [event.seconds] : []);
  assertEquals(pauses.slice(0, 2), [10, 20]);
});

Deno.test("kill -9 of a sidecar starts the sidecar again and leaves the main container alone", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, {
    initContainers: [sidecar("sidecar")],
    containers: [container("main", SERVES)],
  });
  const { pid } = pod.container("main");
  world.crash(pod.name, "sidecar");
  await nth(world, "ready", { count: 2 });
  assertEquals(pod.container("main").pid, pid);
  assertEquals(textsOf(world.events, /exited|SIG|preStop/), ["sidecar exited 137"]);
});

Deno.test("no process that a cluster started outlives it", async () => {
  const world = cluster();
  const pod = await readyPodOf(world, {
    containers: [container("main", `sleep 1000 & echo child=$!; ${SERVES}`)],
  });
  const line = await pod.container("main").line(/child=/);
  const pids = [pod.container("main").pid ?? 0, line.slice("child=".length)];
  await world[Symbol.asyncDispose]();
  assertEquals(world.pods, []);
  await allEnd(pids);
});
