import { assert, assertEquals } from "@std/assert";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Pod } from "../../cluster/pod.ts";
import {
  cluster,
  container,
  type Json,
  nth,
  podOf,
  PORT,
  preStop,
  serve,
  SERVES,
  sidecar,
  textsOf,
} from "./_cluster.ts";

const at = (path: string) => ({ httpGet: { port: PORT, path }, periodSeconds: 1 });

/** A pod with one container that has these probes. */
function probed(world: Cluster, probes: Json): Promise<Pod> {
  return podOf(world, { containers: [container("main", SERVES, probes)] });
}

Deno.test("an HTTP probe comes from the node as kube-probe; 200 to 399 is success", async () => {
  await using world = cluster();
  const pod = await probed(world, { readinessProbe: at("/ready?x=1") });
  const seen: string[] = [];
  const statuses = [404, 500, 399];
  await using _server = serve(pod, ({ url, headers }, from) => {
    const isNode = from === pod.identity?.hostIP;
    seen.push(`${isNode} ${new URL(url).search} ${headers.get("user-agent")}`);
    return new Response(null, { status: statuses.shift() ?? 200 });
  });
  await nth(world, "ready");
  assertEquals(seen, Array(3).fill("true ?x=1 kube-probe/1.34"));
});

Deno.test("a TCP probe succeeds when the port takes connections", async () => {
  await using world = cluster();
  const probe = { tcpSocket: { port: PORT }, periodSeconds: 1 };
  const pod = await probed(world, { readinessProbe: probe });
  await nth(world, "probe-failed");
  using listener = Deno.listen({ hostname: pod.ip ?? "", port: PORT });
  const accepted = listener.accept();
  await nth(world, "ready");
  (await accepted).close();
});

Deno.test("a probe that takes longer than timeoutSeconds fails", async () => {
  await using world = cluster({ probeTimeoutAtLeast: 10 });
  const readinessProbe = { exec: { command: ["sleep", "1000"] }, timeoutSeconds: 2 };
  await probed(world, { readinessProbe });
  const failed = await nth(world, "probe-failed");
  assert(failed.kind === "probe-failed");
  assertEquals(failed.reason, "probe timed out");
});

Deno.test("successThreshold and failureThreshold count results in a row", async () => {
  await using world = cluster();
  const readinessProbe = { ...at("/"), successThreshold: 2, failureThreshold: 3 };
  const pod = await probed(world, { readinessProbe });
  const isGood = [true, false, true, true, false, false, true, false, false, false];
  const states: boolean[] = [];
  await using _server = serve(pod, () => {
    states.push(pod.isReady);
    return new Response(null, { status: isGood.shift() ?? true ? 200 : 500 });
  });
  await nth(world, "unready");
  // Ready after two good ones in a row, unready after three bad ones in a row.
  assertEquals(states.slice(0, 10), [...Array(4).fill(false), ...Array(6).fill(true)]);
});

Deno.test("readiness and liveness probes begin after the startup probe has succeeded, which then ends", async () => {
  await using world = cluster();
  const pod = await probed(world, {
    startupProbe: { ...at("/startup"), failureThreshold: 10_000 },
    readinessProbe: at("/ready"),
    livenessProbe: at("/live"),
  });
  const paths: string[] = [];
  const enough = Promise.withResolvers<void>();
  const count = (path: string) => paths.filter((one) => one === path).length;
  await using _server = serve(pod, ({ url }) => {
    paths.push(new URL(url).pathname);
    if (count("/ready") > 2 && count("/live") > 2) enough.resolve();
    return new Response(null, { status: paths.length < 3 ? 503 : 200 });
  });
  await enough.promise;
  assertEquals(paths.slice(0, 3), ["/startup", "/startup", "/startup"]);
  assertEquals(count("/startup"), 3);
});

Deno.test("a failing liveness probe runs preStop, sends SIGTERM and starts the container again; the pod keeps its address", async () => {
  await using world = cluster();
  const pod = await probed(world, {
    ...preStop({ exec: { command: ["true"] } }),
    livenessProbe: { ...at("/"), failureThreshold: 2 },
  });
  const { ip } = pod;
  await pod.container("main").line(/up/);
  await nth(world, "container-started", { count: 2 });
  assertEquals(textsOf(world.events, /started|killing|preStop|SIG|exited/), [
    ...["main started", "main killing", "main preStop begins", "main preStop done"],
    ...["main SIGTERM", "main exited 0", "main started"],
  ]);
  assertEquals([pod.ip, pod.isTerminating], [ip, false]);
});

Deno.test("a failing readiness probe of any container takes the pod out of service and does nothing else", async () => {
  await using world = cluster();
  const pod = await podOf(world, {
    initContainers: [
      sidecar("sidecar", SERVES, { readinessProbe: { ...at("/"), failureThreshold: 1 } }),
    ],
    containers: [container("main", SERVES)],
  });
  let status = 200;
  await using _server = serve(pod, () => new Response(null, { status }));
  await nth(world, "ready");
  status = 503;
  await nth(world, "unready");
  assertEquals(textsOf(world.events, /killing|SIG|exited/), []);
});

Deno.test("after a pod's deletion its readiness probes continue, and liveness probes end", async () => {
  await using world = cluster();
  const pod = await probed(world, {
    ...preStop({ httpGet: { port: PORT, path: "/stop" } }),
    readinessProbe: at("/ready"),
    livenessProbe: { ...at("/live"), failureThreshold: 100_000 },
  });
  const after: string[] = [];
  const enough = Promise.withResolvers<void>();
  await using _server = serve(pod, async ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/stop") await enough.promise;
    else if (pod.isTerminating) after.push(pathname);
    if (after.filter((path) => path === "/ready").length === 5) enough.resolve();
    return new Response(null);
  });
  await nth(world, "ready");
  world.scale("app", 0);
  await pod.gone;
  // One may have been on its way.
  assert(after.filter((path) => path === "/live").length <= 1, `${after}`);
});
