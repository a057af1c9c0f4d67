import { assert, assertEquals } from "@std/assert";
import {
  cluster,
  container,
  deleted,
  nth,
  podOf,
  PORT,
  preStop,
  readyPodOf,
  serve,
  SERVES,
  sidecar,
  STAYS,
  textsOf,
} from "./_cluster.ts";

const DRAIN = preStop({ httpGet: { port: PORT, path: "/drain" } });
const sleep = (seconds: number) => preStop({ sleep: { seconds } });

Deno.test("at a pod's deletion all preStop hooks begin at once, and each SIGTERM follows its own", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, {
    initContainers: [sidecar("sidecar", SERVES, sleep(1))],
    containers: [container("slow", SERVES, sleep(100)), container("quick", SERVES)],
  });
  const texts = await deleted(world, pod, /preStop|SIG|exited/);
  assertEquals(texts.slice(0, 2).sort(), ["sidecar preStop begins", "slow preStop begins"]);
  assertEquals(texts.filter((text) => /slow|exited/.test(text)), [
    ...["slow preStop begins", "quick exited 0", "slow preStop done", "slow SIGTERM"],
    ...["slow exited 0", "sidecar exited 0"],
  ]);
});

Deno.test("sidecars get SIGTERM when all main containers are gone, one after the other, the last one first", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, {
    initContainers: [sidecar("first"), sidecar("second")],
    containers: [container("main", SERVES, sleep(20))],
  });
  assertEquals(await deleted(world, pod, /SIG|exited/), [
    ...["main SIGTERM", "main exited 0", "second SIGTERM", "second exited 0"],
    ...["first SIGTERM", "first exited 0"],
  ]);
});

Deno.test("preStop and the time after SIGTERM share the grace period; then comes SIGKILL", async () => {
  await using world = cluster({ timeScale: 50 });
  const pod = await readyPodOf(world, {
    terminationGracePeriodSeconds: 100,
    containers: [container("main", STAYS, sleep(95))],
  });
  const texts = await deleted(world, pod, /preStop|SIG|exited/);
  assertEquals(texts.slice(2), ["main SIGTERM", "main SIGKILL", "main exited 137"]);
  const at = (pattern: RegExp) =>
    world.events.find((event) => textsOf([event], pattern).length > 0)?.at ?? NaN;
  // 100 s here are 2000 ms; a timer may be 1 ms early.
  assert(at(/SIGKILL/) - at(/terminating/) >= 1_999);
  assert(at(/SIGKILL/) - at(/SIGTERM/) < 2_000);
});

Deno.test("when hooks use up the grace period, main containers and sidecars get SIGTERM and 2 s", async () => {
  await using world = cluster({ timeScale: 20 });
  const pod = await readyPodOf(world, {
    terminationGracePeriodSeconds: 2,
    initContainers: [sidecar("sidecar", STAYS)],
    containers: [container("main", STAYS, preStop({ exec: { command: ["sleep", "1000"] } }))],
  });
  const texts = await deleted(world, pod, /preStop|SIG|exited/);
  assertEquals(texts.slice(0, 2), ["main preStop begins", "main preStop abandoned"]);
  assert(texts.indexOf("sidecar SIGTERM") < texts.indexOf("main exited 137"), `${texts}`);
  const signals = world.events.filter(({ kind }) => kind === "signal").map(({ at }) => at);
  assert(Math.max(...signals) - Math.min(...signals) >= 99);
});

for (const status of [200, 403, 500]) {
  Deno.test(`an httpGet hook waits as long as it takes, and one answered ${status} counts as completed`, async () => {
    await using world = cluster();
    const pod = await readyPodOf(world, { containers: [container("main", SERVES, DRAIN)] });
    const requested = Promise.withResolvers<string>();
    const answer = Promise.withResolvers<Response>();
    await using _server = serve(pod, ({ url, headers, method }, from) => {
      const isNode = from === pod.identity?.hostIP;
      const { pathname } = new URL(url);
      requested.resolve(`${method} ${pathname} ${headers.get("user-agent")} ${isNode}`);
      return answer.promise;
    });
    const ended = deleted(world, pod, /preStop|SIG|exited/);
    assertEquals(await requested.promise, "GET /drain kube-lifecycle/1.34 true");
    assertEquals(textsOf(world.events, /SIG/), []);
    answer.resolve(new Response("no", { status }));
    assertEquals(await ended, [
      ...["main preStop begins", "main preStop done", "main SIGTERM", "main exited 0"],
    ]);
  });
}

Deno.test("a preStop hook that fails delays nothing", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, {
    containers: [
      container("one", SERVES, preStop({ exec: { command: ["false"] } })),
      container("two", SERVES, DRAIN),
    ],
  });
  assertEquals((await deleted(world, pod, /preStop failed|exited/)).sort(), [
    ...["one exited 0", "one preStop failed", "two exited 0", "two preStop failed"],
  ]);
});

Deno.test("a container that ends by itself while its pod is being deleted is not started again", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, {
    initContainers: [sidecar("sidecar")],
    containers: [container("main", SERVES, sleep(5_000))],
  });
  const ended = deleted(world, pod, /exited|started/);
  for (const name of ["sidecar", "main"]) {
    await nth(world, "hook-begun");
    world.crash(pod.name, name);
    await nth(world, "exited", { of: name });
  }
  assertEquals(await ended, ["sidecar exited 137", "main exited 137"]);
});

for (const host of [undefined, "127.0.0.1"]) {
  Deno.test(`on the host's network an httpGet hook with host ${host} ${host ? "works" : "fails at once"}`, async () => {
    await using world = cluster();
    const get = { port: PORT, path: "/drain", ...(host && { host }) };
    const pod = await readyPodOf(world, {
      hostNetwork: true,
      containers: [container("main", SERVES, preStop({ httpGet: get }))],
    });
    assertEquals(pod.ip, pod.identity?.hostIP);
    const paths: string[] = [];
    await using _server = serve(pod, ({ url }) => {
      paths.push(new URL(url).pathname);
      return new Response();
    });
    const texts = await deleted(world, pod, /preStop/);
    assertEquals(texts[1], host ? "main preStop done" : "main preStop failed");
    assertEquals(paths, host ? ["/drain"] : []);
  });
}

Deno.test("a kubelet behind a bridge probes and calls hooks from another address than the node's", async () => {
  await using world = cluster({ kubeletCallsFrom: "bridge" });
  const readinessProbe = { httpGet: { port: PORT, path: "/readyz" }, periodSeconds: 1 };
  const pod = await podOf(world, {
    containers: [container("main", SERVES, { ...DRAIN, readinessProbe })],
  });
  const callers = new Map<string, string>();
  await using _server = serve(pod, ({ url }, from) => {
    callers.set(new URL(url).pathname, from);
    return new Response();
  });
  await nth(world, "ready");
  await deleted(world, pod, /SIG/);
  const { kubelet = "", hostIP } = pod.identity ?? {};
  assert(kubelet !== hostIP);
  assertEquals([...callers], [["/readyz", kubelet], ["/drain", kubelet]]);
});

Deno.test("a pod deleted during a liveness kill finishes it, starts again, and runs preStop with a new grace period", async () => {
  await using world = cluster();
  const livenessProbe = { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 1 };
  const pod = await podOf(world, {
    containers: [container("main", SERVES, { ...DRAIN, livenessProbe })],
  });
  const clients = new Set<string>();
  const second = Promise.withResolvers<void>();
  let hooks = 0;
  await using _server = Deno.serve(
    { hostname: pod.ip ?? "", port: PORT, onListen: () => {} },
    (_, { remoteAddr: { hostname, port } }) => {
      clients.add(`${hostname}:${port}`);
      if (++hooks === 1) world.scale("app", 0);
      else second.resolve();
      return new Response();
    },
  );
  await second.promise;
  await pod.gone;
  assertEquals(textsOf(world.events, /killing|terminating|started|begins|SIG|gone/), [
    ...["main started", "main killing", "main preStop begins", "terminating", "main SIGTERM"],
    ...["main started", "main preStop begins", "main SIGTERM", "gone"],
  ]);
  // The second hook came over the first one's connection, as the kubelet may do it.
  assertEquals(clients.size, 1);
});

Deno.test("a sleep hook runs to its end, whatever becomes of its container", async () => {
  await using world = cluster();
  const pod = await readyPodOf(world, { containers: [container("main", SERVES, sleep(100))] });
  const gone = deleted(world, pod, /preStop|SIG|exited/);
  await world.until(({ kind }) => kind === "hook-begun");
  world.crash(pod.name, "main");
  assertEquals(await gone, ["main preStop begins", "main exited 137", "main preStop done"]);
});

Deno.test("a crashed container is started again when the kill of another one is over", async () => {
  await using world = cluster();
  const livenessProbe = { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 1 };
  const pod = await podOf(world, {
    initContainers: [sidecar("sidecar")],
    containers: [container("main", SERVES, { ...sleep(100), livenessProbe })],
  });
  await world.until(({ kind }) => kind === "hook-begun");
  world.crash(pod.name, "sidecar");
  await world.until((event) =>
    event.kind === "container-started" && event.container === "sidecar" && event.restarts === 1
  );
  const texts = textsOf(world.events, /preStop|exited|started/);
  const at = (text: string) => texts.findIndex((one) => one.startsWith(text));
  assert(at("sidecar exited 137") < at("main preStop done"), `${texts}`);
  assert(
    texts.findLastIndex((one) => /^sidecar.*started/.test(one)) > at("main exited"),
    `${texts}`,
  );
});
