import { assert, assertEquals, assertMatch } from "@std/assert";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

/** Calls take 10 ms: of a moment, only the second counts. */
function secondOf(at: number): number {
  return Math.round(at / SECOND);
}

Deno.test("a life without -wait-drained ends as soon as it is deregistered", async () => {
  const life = new Life().stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.order, "find register poll deregister");
  assertEquals(secondOf(life.clock.now()), 60);
});

Deno.test("-wait-drained waits for the deregistration delay, and asks when it is over", async () => {
  const life = new Life({ args: ["-wait-drained"] }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(
    life.elb.order,
    "find register poll deregister delay poll",
    "one question about the delay, one about the state",
  );
  assertEquals(secondOf(life.clock.now()), 60 + 300 + 1);
  assertEquals(life.hooks.at(-1), "post-deregister", "after the drain");
});

Deno.test("-wait-drained waits for -min-drain-time where the delay is shorter", async () => {
  const life = new Life({ args: ["-wait-drained", "-min-drain-time=90s"] }).stopAt(MINUTE);
  life.elb.delay = 0;
  await life.run();
  assertEquals(secondOf(life.clock.now()), 60 + 90);
});

Deno.test("-wait-drained asks for the state where the delay may not be read", async () => {
  const life = new Life({ args: ["-wait-drained", "-min-drain-time=1m"] }).stopAt(MINUTE);
  life.elb.delay = 100 * SECOND;
  life.elb.failing = (call) =>
    call === "DescribeTargetGroupAttributes"
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  assertEquals((await life.run()).exit, "done");
  const took = secondOf(life.clock.now()) - 60;
  assert(took >= 100 && took <= 115, `${took} s`);
  assertMatch(life.elb.order, /^find register poll deregister delay( poll){3,5}$/);
});

Deno.test("a drain that is throttled is a drain all the same", async () => {
  const life = new Life({ args: ["-wait-drained", "-min-drain-time=0"] }).stopAt(MINUTE);
  life.elb.delay = 10 * SECOND;
  let looks = 0;
  life.elb.failing = (call) =>
    call === "DescribeTargetHealth" && life.elb.states.get("kafka") !== "healthy" && ++looks <= 3
      ? { code: "Throttling", retryable: true }
      : undefined;
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.states.get("kafka"), "absent");
  assertEquals(looks, 4);
});

Deno.test("a drain ends at -wait-drained-timeout, with a warning and exit code 0", async () => {
  const args = ["-wait-drained", "-min-drain-time=1m", "-wait-drained-timeout=2m"];
  const life = new Life({ args }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(secondOf(life.clock.now()), 60 + 120);
  assertMatch(life.log.text, /deregistered, but not drained after 2m0s/);
});

Deno.test("a second stop signal ends the wait, not the deregistration", async () => {
  const life = new Life({ args: ["-wait-drained"] }).stopAt(MINUTE, 2 * MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(secondOf(life.clock.now()), 120);
  assertEquals(life.hooks.includes("post-deregister"), false, "hooks are skipped");
  assertEquals(life.elb.states.get("kafka"), "draining");
});

Deno.test("-grace-period ends a drain before the pod's end, and says that it did", async () => {
  const args = ["-wait-drained", "-min-drain-time=10s", "-grace-period=40s"];
  const life = new Life({ args }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(secondOf(life.clock.now()), 60 + 40 - 5);
  assertMatch(life.log.text, /the wait for the drain ends before .*"needed":"5m0s"/);
  assertMatch(
    life.log.text,
    /shortened a step to fit into -grace-period .*"step":"6m0s","left":"34.99s"/,
  );
});

Deno.test("-wait-idle ends a drain when nobody is connected, long before the delay", async () => {
  const connections = (): number => life.clock.now() < MINUTE + 100 * SECOND ? 3 : 0;
  const args = ["-wait-drained", "-wait-idle", "-min-drain-time=30s", "-idle-time=5s"];
  const life: Life = new Life({ args, connections }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(secondOf(life.clock.now()), 60 + 100 + 5);
  assertEquals(
    life.elb.order,
    "find register poll deregister poll",
    "one poll, for what other clients did meanwhile",
  );
  assertMatch(life.log.text, /3 connections left, \S+ of at least 30s/);
});

Deno.test("-wait-idle waits for -min-drain-time where nobody is connected at all", async () => {
  const args = ["-wait-drained", "-wait-idle", "-min-drain-time=30s"];
  const life = new Life({ args, connections: () => 0 }).stopAt(MINUTE);
  await life.run();
  assertEquals(secondOf(life.clock.now()), 60 + 30);
});

Deno.test("-wait-idle begins to count anew when somebody connects", async () => {
  const until = MINUTE + 60 * SECOND;
  const args = ["-wait-drained", "-wait-idle", "-min-drain-time=0", "-idle-time=10s"];
  const connections = (): number =>
    // One second in eight: never idle for ten.
    life.clock.now() < until && Math.floor(life.clock.now() / SECOND) % 8 === 0 ? 1 : 0;
  const life: Life = new Life({ args, connections }).stopAt(MINUTE);
  await life.run();
  const took = secondOf(life.clock.now()) - 60;
  assert(took >= 60 && took <= 71, `${took} s`);
});

Deno.test("-wait-idle holds on for a client until -wait-drained-timeout", async () => {
  const args = ["-wait-drained", "-wait-idle", "-wait-drained-timeout=10m"];
  const life = new Life({ args, connections: () => 1 }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(secondOf(life.clock.now()), 60 + 600);
  assertMatch(life.log.text, /not drained after 10m0s: 1 connection left/);
});

Deno.test("-wait-idle asks the API where the connections cannot be seen", async () => {
  const life = new Life({ args: ["-wait-drained", "-wait-idle"] }).stopAt(MINUTE);
  await life.run();
  assertEquals(life.elb.order, "find register poll deregister delay poll");
});

Deno.test("a target that somebody registers during the drain is deregistered again", async () => {
  const life = new Life({ args: ["-wait-drained", "-wait-drained-timeout=20m"] }).stopAt(MINUTE);
  life.clock.at(MINUTE + 30 * SECOND, () => life.elb.states.set("kafka", "healthy"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.order, "find register poll deregister delay poll deregister poll");
  assertEquals(life.elb.states.get("kafka"), "absent");
  assertMatch(life.log.text, /another client registered the target while it drained/);
});

Deno.test("several groups are drained when the last one is", async () => {
  const life = new Life({ args: ["-wait-drained"], groups: ["kafka", "edge"] }).stopAt(MINUTE);
  life.elb.failing = (call, group) =>
    call === "DeregisterTargets" && group === "edge" && life.clock.now() < MINUTE + 8 * SECOND
      ? { code: "Throttling", retryable: true }
      : undefined;
  assertEquals((await life.run()).exit, "done");
  assert(life.clock.now() > MINUTE + 308 * SECOND);
  assertEquals([...life.elb.states.values()], ["absent", "absent"]);
});

Deno.test("a failed registration is rolled back without a wait for a drain", async () => {
  const life = new Life({ args: ["-wait-drained"], groups: ["kafka", "edge"] });
  life.elb.failing = (call, group) =>
    call === "RegisterTargets" && group === "edge"
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  assertEquals((await life.run()).exit, "notRegistered");
  assertEquals(secondOf(life.clock.now()), 0);
  assertEquals(life.elb.states.get("kafka"), "draining");
});
