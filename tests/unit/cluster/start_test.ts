import { assert, assertEquals, assertRejects } from "@std/assert";
import { cluster, container, deployment, nth, SERVES, story, told } from "./_cluster.ts";

Deno.test("init containers run one after the other, each to its success, before the main ones", async () => {
  await using world = cluster();
  world.apply(deployment({
    initContainers: [container("first", "sleep 0.1"), container("second", "true")],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "ready");
  assertEquals(told(world, /started|exited|initialized/), [
    "first started",
    "first exited 0",
    "second started",
    "second exited 0",
    "initialized",
    "main started",
  ]);
});

Deno.test("an init container that fails is run again until it succeeds", async () => {
  await using world = cluster();
  const script = `test -f $HERE/done || { touch $HERE/done; exit 3; }`;
  const folder = await Deno.makeTempDir();
  world.apply(deployment({
    initContainers: [container("init", script, { env: [{ name: "HERE", value: folder }] })],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "ready");
  assertEquals(told(world, /exited|main started/), [
    "init exited 3",
    "init exited 0",
    "main started",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a native sidecar has started when postStart is done and its startup probe has succeeded; only then the next one starts", async () => {
  await using world = cluster();
  const folder = await Deno.makeTempDir();
  world.apply(deployment({
    initContainers: [container("sidecar", SERVES, {
      restartPolicy: "Always",
      lifecycle: { postStart: { exec: { command: ["sleep", "0.1"] } } },
      startupProbe: {
        exec: { command: ["test", "-f", `${folder}/up`] },
        periodSeconds: 1,
        failureThreshold: 10_000,
      },
    })],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "probe-failed", { count: 2 });
  await Deno.writeTextFile(`${folder}/up`, "");
  await nth(world, "ready");
  assertEquals(told(world, /started|postStart|startup-done|initialized/), [
    "sidecar started",
    "sidecar postStart begins",
    "sidecar postStart done",
    "sidecar container-startup-done",
    "initialized",
    "main started",
    "main container-startup-done",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a native sidecar that never starts up keeps the main containers from starting: the deadlock trap", async () => {
  await using world = cluster();
  world.apply(deployment({
    initContainers: [container("sidecar", SERVES, {
      restartPolicy: "Always",
      startupProbe: { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 2 },
    })],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "container-started", { count: 2 });
  assertEquals(told(world, /main|initialized/), []);
});

Deno.test("a main container's postStart hook holds back the next main container", async () => {
  await using world = cluster();
  const postStart = { exec: { command: ["sleep", "0.1"] } };
  world.apply(deployment({
    containers: [container("one", SERVES, { lifecycle: { postStart } }), container("two", SERVES)],
  }));
  await nth(world, "ready");
  assertEquals(told(world, /started|postStart/), [
    "one started",
    "one postStart begins",
    "one postStart done",
    "two started",
  ]);
});

Deno.test("a container whose postStart hook fails is killed and started again", async () => {
  await using world = cluster();
  world.apply(deployment({
    containers: [container("main", SERVES, {
      lifecycle: { postStart: { exec: { command: ["false"] } } },
    })],
  }));
  await nth(world, "container-started", { count: 2 });
  assertEquals(
    story(world).filter((text) => /postStart|killing|SIG|started/.test(text)).slice(0, 4),
    ["main started", "main postStart begins", "main postStart failed", "main killing"],
  );
});

Deno.test("a pod that is deleted while its init containers run starts nothing more", async () => {
  await using world = cluster();
  world.apply(deployment({
    initContainers: [container("init", SERVES)],
    containers: [container("main", SERVES)],
  }));
  const [pod] = world.pods;
  assert(pod);
  await pod.container("init").line(/up/);
  world.deletePod(pod.name);
  await pod.gone;
  const own = world.events.filter((event) => "pod" in event && event.pod === pod.name);
  assertEquals(own.filter(({ kind }) => kind === "container-started").length, 1);
  assert(own.some((event) => event.kind === "signal" && event.container === "init"));
});

Deno.test("a container that cannot be run at all is said to whoever waits", async () => {
  await using world = cluster();
  world.apply(deployment({ containers: [container("main", SERVES, { image: "other" })] }));
  await assertRejects(
    () => nth(world, "ready"),
    Error,
    "container main: no program is given for image other",
  );
});
