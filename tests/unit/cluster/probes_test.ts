import { assert, assertEquals } from "@std/assert";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Pod } from "../../cluster/pod.ts";
import { cluster, container, deployment, type Json, nth, SERVES, told } from "./_cluster.ts";

const PORT = 8_080;

/** A server on the pod's address, in the test's own process; `reply` answers. */
function serve(pod: Pod, reply: (request: Request, from: string) => Response | Promise<Response>) {
  return Deno.serve(
    { hostname: pod.ip ?? "", port: PORT, onListen: () => {} },
    (request, { remoteAddr }) => reply(request, remoteAddr.hostname),
  );
}

/** A Deployment with one container that has these probes. */
function probed(probes: Json, script = SERVES): string {
  return deployment({ containers: [container("main", script, probes)] });
}

function only(world: Cluster): Pod {
  const [pod] = world.pods;
  assert(pod);
  return pod;
}

Deno.test("an HTTP probe comes from the node, as kube-probe, without credentials; 200 to 399 is success", async () => {
  await using world = cluster();
  world.apply(probed({
    ports: [{ name: "web", containerPort: PORT }],
    readinessProbe: {
      httpGet: { port: "web", path: "/ready?x=1", httpHeaders: [{ name: "X-Own", value: "1" }] },
      periodSeconds: 1,
    },
  }));
  const pod = only(world);
  const seen: string[] = [];
  const statuses = [404, 400, 199 + 301, 399];
  await using _server = serve(pod, ({ url, headers }, from) => {
    const told = ["user-agent", "accept", "x-own", "authorization"].map((name) =>
      headers.get(name)
    );
    seen.push(`${from === pod.identity?.hostIP} ${url.slice(url.indexOf("/ready"))} ${told}`);
    return new Response(null, { status: statuses.shift() ?? 200 });
  });
  await nth(world, "ready");
  assertEquals(seen[0], "true /ready?x=1 kube-probe/1.34,*/*,1,");
  const reasons = world.events.flatMap((event) =>
    event.kind === "probe-failed" ? [event.reason] : []
  ).filter((reason) => reason.includes("statuscode"));
  assertEquals(reasons.map((reason) => reason.slice(-3)), ["404", "400", "500"]);
});

Deno.test("an HTTP probe follows redirects to its own host, and takes others for a success", async () => {
  await using world = cluster();
  world.apply(probed({ readinessProbe: { httpGet: { port: PORT }, periodSeconds: 1 } }));
  const paths: string[] = [];
  const places = ["/next", "http://192.0.2.1/far"];
  await using _server = serve(only(world), ({ url }) => {
    paths.push(new URL(url).pathname);
    return new Response(null, { status: 302, headers: { location: places.shift() ?? "/" } });
  });
  await nth(world, "ready");
  assertEquals(paths, ["/", "/next"]);
});

Deno.test("a TCP probe succeeds when the port takes connections", async () => {
  await using world = cluster();
  world.apply(probed({ readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 } }));
  const { ip = "" } = only(world);
  await nth(world, "probe-failed");
  const listener = Deno.listen({ hostname: ip, port: PORT });
  const accepted = listener.accept();
  await nth(world, "ready");
  const connection = await accepted;
  assertEquals(connection.remoteAddr.transport, "tcp");
  connection.close();
  listener.close();
});

Deno.test("an exec probe succeeds by exit code 0; its command may use variables that need no pod", async () => {
  await using world = cluster();
  const probe = (word: string) => ({
    env: [
      { name: "WORD", value: "yes" },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ],
    readinessProbe: { exec: { command: ["test", word, "=", "yes-$(IP)"] }, periodSeconds: 1 },
  });
  world.apply(probed(probe("$(WORD)-$(IP)")));
  await nth(world, "ready");
  world.apply(probed(probe("no")));
  const failed = await nth(world, "probe-failed");
  assert(failed.kind === "probe-failed");
  assert(failed.reason.includes("exit code 1"), failed.reason);
});

Deno.test("a probe that takes longer than timeoutSeconds fails", async () => {
  await using world = cluster({ probeTimeoutAtLeast: 10 });
  world.apply(probed({
    readinessProbe: { exec: { command: ["sleep", "1000"] }, timeoutSeconds: 2, periodSeconds: 1 },
  }));
  const failed = await nth(world, "probe-failed");
  assert(failed.kind === "probe-failed");
  assertEquals(failed.reason, "probe timed out");
});

Deno.test("successThreshold and failureThreshold count results in a row", async () => {
  await using world = cluster();
  world.apply(probed({
    readinessProbe: {
      httpGet: { port: PORT },
      periodSeconds: 1,
      successThreshold: 2,
      failureThreshold: 3,
    },
  }));
  // Ready after two good ones in a row, unready after three bad ones in a row.
  const results = [1, 0, 1, 1, 0, 0, 1, 0, 0, 0];
  const states: boolean[] = [];
  const pod = only(world);
  await using _server = serve(pod, () => {
    states.push(pod.isReady);
    return new Response(null, { status: results.shift() === 0 ? 500 : 200 });
  });
  await nth(world, "unready");
  assertEquals(states.slice(0, 10).map(Number), [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
});

Deno.test("readiness and liveness probes begin after the startup probe has succeeded, which then ends", async () => {
  await using world = cluster();
  const at = (path: string) => ({ httpGet: { port: PORT, path }, periodSeconds: 1 });
  world.apply(probed({
    startupProbe: { ...at("/startup"), failureThreshold: 10_000 },
    readinessProbe: at("/ready"),
    livenessProbe: at("/live"),
  }));
  const paths: string[] = [];
  const enough = Promise.withResolvers<void>();
  const isSeen = (path: string) => paths.filter((one) => one === path).length > 2;
  await using _server = serve(only(world), ({ url }) => {
    const { pathname } = new URL(url);
    paths.push(pathname);
    if (isSeen("/ready") && isSeen("/live")) enough.resolve();
    const isEarly = pathname === "/startup" && paths.length < 3;
    return new Response(null, { status: isEarly ? 503 : 200 });
  });
  await nth(world, "ready");
  await enough.promise;
  assertEquals(paths.slice(0, 3), ["/startup", "/startup", "/startup"]);
  assertEquals(paths.slice(3).filter((path) => path === "/startup"), []);
});

Deno.test("a failing liveness probe runs preStop, sends SIGTERM and starts the container again; the pod keeps its address", async () => {
  await using world = cluster();
  world.apply(probed({
    lifecycle: { preStop: { exec: { command: ["true"] } } },
    livenessProbe: { httpGet: { port: PORT }, periodSeconds: 1, failureThreshold: 2 },
  }));
  const pod = only(world);
  const { ip } = pod;
  let isWell = true;
  await using _server = serve(pod, () => new Response(null, { status: isWell ? 200 : 500 }));
  await pod.container("main").line(/up/);
  isWell = false;
  await nth(world, "exited");
  isWell = true;
  await nth(world, "container-started", { count: 2 });
  assertEquals(told(world, /started|killing|preStop|SIG|exited/), [
    "main started",
    "main killing",
    "main preStop begins",
    "main preStop done",
    "main SIGTERM",
    "main exited 0",
    "main started",
  ]);
  assertEquals([pod.ip, pod.isTerminating, pod.restarts], [ip, false, 1]);
});

Deno.test("a startup probe that fails too often kills the container, within the probe's own grace period", async () => {
  await using world = cluster();
  const stays = "trap '' TERM; while :; do sleep 1000; done";
  world.apply(deployment({
    // The pod's own would be 100 s here.
    terminationGracePeriodSeconds: 10_000,
    containers: [container("main", stays, {
      startupProbe: {
        exec: { command: ["false"] },
        periodSeconds: 1,
        failureThreshold: 2,
        terminationGracePeriodSeconds: 5,
      },
    })],
  }));
  await nth(world, "exited");
  assertEquals(told(world, /probe|killing|SIG|exited/), [
    "main probe-failed",
    "main probe-failed",
    "main killing",
    "main SIGTERM ignored",
    "main SIGKILL",
    "main exited 137",
  ]);
});

Deno.test("a failing readiness probe takes the pod out of service and does nothing else; a sidecar's counts too", async () => {
  await using world = cluster();
  const folder = await Deno.makeTempDir();
  const exec = { command: ["test", "-f", `${folder}/ready`] };
  world.apply(deployment({
    initContainers: [container("sidecar", SERVES, {
      restartPolicy: "Always",
      readinessProbe: { exec, periodSeconds: 1, failureThreshold: 1 },
    })],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "container-ready", { of: "main" });
  assertEquals(only(world).isReady, false);
  await Deno.writeTextFile(`${folder}/ready`, "");
  await nth(world, "ready");
  await Deno.remove(`${folder}/ready`);
  await nth(world, "unready");
  assertEquals(told(world, /killing|SIG|exited/), []);
  assertEquals(only(world).container("sidecar").isRunning, true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("after a pod's deletion its readiness probes go on; liveness and startup probes end", async () => {
  await using world = cluster();
  const at = (path: string) => ({ httpGet: { port: PORT, path }, periodSeconds: 1 });
  const main = {
    lifecycle: { preStop: { httpGet: { port: PORT, path: "/stop" } } },
    readinessProbe: at("/ready"),
    livenessProbe: at("/live"),
  };
  const containers = [container("main", SERVES, main)];
  world.apply(deployment({ terminationGracePeriodSeconds: 3_000, containers }));
  const pod = only(world);
  const after: string[] = [];
  const enough = Promise.withResolvers<void>();
  await using _server = serve(pod, async ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/stop") await Promise.race([enough.promise, pod.gone]);
    else if (pod.isTerminating) after.push(pathname);
    if (after.filter((path) => path === "/ready").length === 5) enough.resolve();
    return new Response(null);
  });
  await nth(world, "ready");
  world.deletePod(pod.name);
  await pod.gone;
  // One may have been on its way.
  assert(after.filter((path) => path === "/live").length <= 1, `${after}`);
  assert(after.filter((path) => path === "/ready").length >= 5, `${after}`);
});
