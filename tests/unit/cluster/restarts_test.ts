import { assert, assertEquals } from "@std/assert";
import { BackOff } from "../../cluster/back_off.ts";
import { allEnd } from "../../process/proc.ts";
import { cluster, container, deployment, nth, SERVES, told } from "./_cluster.ts";

Deno.test("the first restart is at once, then after 10 s, 20 s, 40 s and so on, up to 300 s; after 10 minutes of running it begins anew", () => {
  const backOff = new BackOff();
  const delays = Array.from({ length: 8 }, () => backOff.next(1));
  assertEquals(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
  assertEquals([backOff.next(600), backOff.next(1), backOff.next(1)], [0, 10, 20]);
});

Deno.test("a container that ends is started again, whatever its exit code, after the back-off", async () => {
  await using world = cluster();
  world.apply(deployment({
    initContainers: [container("sidecar", "exit 0", { restartPolicy: "Always" })],
    containers: [container("main", "exit 7")],
  }));
  await nth(world, "container-started", { of: "main", count: 3 });
  await nth(world, "container-started", { of: "sidecar", count: 3 });
  for (const name of ["main", "sidecar"]) {
    const own = world.events.filter((event) =>
      "container" in event && event.container === name &&
      ["container-started", "exited", "back-off"].includes(event.kind)
    );
    const third = own.findIndex((event) =>
      event.kind === "container-started" && event.restarts === 2
    );
    const [exited, backOff, started] = own.slice(third - 2);
    assert(exited?.kind === "exited" && backOff?.kind === "back-off" && started);
    assertEquals([exited.code, backOff.seconds], [name === "main" ? 7 : 0, 10]);
    // 10 s here are 100 ms; a timer may be a millisecond early.
    assert(started.at - exited.at >= 99);
  }
});

Deno.test("a container that ends by itself gets neither preStop nor a signal", async () => {
  await using world = cluster();
  world.apply(deployment({
    containers: [container("main", SERVES, {
      lifecycle: { preStop: { exec: { command: ["true"] } } },
    })],
  }));
  const [pod] = world.pods;
  assert(pod);
  await pod.container("main").line(/up/);
  world.crash(pod.name, "main");
  await nth(world, "container-started", { count: 2 });
  assertEquals(told(world, /started|exited|preStop|SIG/), [
    "main started",
    "main exited 137",
    "main started",
  ]);
  assertEquals(pod.container("main").lastExit?.code, 137);
});

Deno.test("kill -9 of a sidecar starts the sidecar again and leaves the main container alone", async () => {
  await using world = cluster();
  world.apply(deployment({
    initContainers: [container("sidecar", SERVES, { restartPolicy: "Always" })],
    containers: [container("main", SERVES)],
  }));
  await nth(world, "ready");
  const [pod] = world.pods;
  assert(pod);
  const { pid } = pod.container("main");
  world.crash(pod.name, "sidecar");
  await nth(world, "container-started", { of: "sidecar", count: 2 });
  await nth(world, "ready", { count: 2 });
  assertEquals(pod.container("main").pid, pid);
  assertEquals(told(world, /exited/), ["sidecar exited 137"]);
});

Deno.test("all processes of a container end with its first one, also those that left its group", async () => {
  await using world = cluster();
  // Each says its name when it is where it is to be; $$$$ is $$ to the shell.
  const child = (name: string) => `sh -c 'echo ${name}=$$$$; exec sleep 1000' &`;
  const script = `setsid ${child("left")} ${child("stayed")} wait`;
  world.apply(deployment({ containers: [container("main", script)] }));
  const [pod] = world.pods;
  assert(pod);
  const main = pod.container("main");
  const lines = await Promise.all([main.line(/left=/), main.line(/stayed=/)]);
  const children = lines.flatMap((line) => line.match(/\d+/) ?? []);
  assertEquals(children.length, 2);
  world.crash(pod.name, "main");
  await nth(world, "exited");
  await allEnd(children);
});

Deno.test("a process that has left its container's group and environment keeps nobody waiting", async () => {
  await using world = cluster();
  const script = "env -i setsid sleep 1000 & echo child=$!; echo up; wait";
  world.apply(deployment({ containers: [container("main", script)] }));
  const [pod] = world.pods;
  assert(pod);
  const main = pod.container("main");
  await main.line(/up/);
  const [child] = (await main.line(/child=/)).match(/\d+/) ?? [];
  world.crash(pod.name, "main");
  await nth(world, "exited");
  Deno.kill(Number(child), "SIGKILL");
});

Deno.test("nothing that a cluster started outlives it", async () => {
  const world = cluster();
  world.apply(deployment({
    terminationGracePeriodSeconds: 10_000,
    containers: [
      container("main", `setsid sleep 1000 & echo child=$!; trap '' TERM; ${SERVES}`, {
        lifecycle: { preStop: { sleep: { seconds: 10_000 } } },
      }),
      container("other", "exit 1"),
    ],
  }));
  const [pod] = world.pods;
  assert(pod);
  await pod.container("main").line(/up/);
  await nth(world, "back-off", { of: "other" });
  world.deletePod(pod.name);
  await nth(world, "hook-begun");
  const pids = world.events.flatMap((event) =>
    event.kind === "container-started" ? [`${event.pid}`] : []
  );
  const [child = ""] = (await pod.container("main").line(/child=/)).match(/\d+/) ?? [];
  await world[Symbol.asyncDispose]();
  await allEnd([...pids, child]);
  assertEquals(world.pods, []);
});
