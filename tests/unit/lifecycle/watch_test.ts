import { assert, assertEquals, assertMatch } from "@std/assert";
import { arnOf } from "../fake_load_balancer.ts";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

Deno.test("without -watch-interval and -listen, a serving sidecar makes no call", async () => {
  const life = new Life().stopAt(600 * MINUTE);
  await life.run();
  assertEquals(life.elb.order, "find register poll deregister");
});

Deno.test("-watch-interval registers a target again that another client deregistered", async () => {
  const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(20 * MINUTE);
  life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.at("RegisterTargets").length, 2);
  assertEquals(life.reregistered, [arnOf("kafka")]);
  assertMatch(life.log.text, /warn another client deregistered the target: registering it again/);
  assertEquals(life.elb.states.get("kafka"), "draining");
});

Deno.test("-watch-interval registers a target again that drains, as somebody deregistered it", async () => {
  const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(20 * MINUTE);
  life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "draining"));
  await life.run();
  assertEquals(life.reregistered, [arnOf("kafka")]);
});

Deno.test("-watch-interval asks at random moments, between half of it and one and a half", async () => {
  const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(60 * MINUTE);
  await life.run();
  const looks = life.elb.calls.filter(({ call }) => call === "DescribeTargetHealth");
  const pauses = looks.slice(2).map(({ at }, index) => at - (looks[index + 1]?.at ?? 0));
  for (const pause of pauses) assert(pause >= 30 * SECOND && pause <= 91 * SECOND, `${pause}`);
  assert(looks.length >= 40, `${looks.length}`);
});

Deno.test("-watch-interval never registers during a drain", async () => {
  const life = new Life({ args: ["-watch-interval=10s"] }).stopAt(20 * MINUTE);
  life.drainAt(5 * MINUTE);
  await life.run();
  assertEquals(life.elb.at("RegisterTargets").length, 1);
  assertEquals(life.reregistered, []);
});

Deno.test("-watch-interval watches each group by itself; a deleted one only until then", async () => {
  const args = ["-watch-interval=1m"];
  const life = new Life({ args, groups: ["kafka", "edge"] }).stopAt(20 * MINUTE);
  life.clock.at(5 * MINUTE, () => life.elb.states.delete("edge"));
  life.clock.at(10 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  let fault: string | undefined;
  life.clock.at(15 * MINUTE, () => {
    const { groups } = life.view.status();
    fault = groups.find(({ name }) => name === "edge")?.error;
  });
  assertEquals((await life.run()).exit, "done");
  assertEquals(fault, "the target group was deleted");
  assertEquals(life.reregistered, [arnOf("kafka")]);
  const looks = life.elb.calls.filter(({ call, group, at }) =>
    call === "DescribeTargetHealth" && group === "edge" && at > 7 * MINUTE && at < 20 * MINUTE
  );
  assertEquals(looks, [], "nobody asks for a deleted group");
  assertMatch(life.log.text, /error the target group was deleted: it is not watched any more/);
});

Deno.test("-watch-interval outlives refusals, and says each", async () => {
  const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(20 * MINUTE);
  life.elb.failing = (call) =>
    call === "DescribeTargetHealth" && life.clock.now() > MINUTE && life.clock.now() < 8 * MINUTE
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.reregistered, [arnOf("kafka")]);
});

Deno.test("-watch-interval tries again where registering again is refused", async () => {
  const life = new Life({ args: ["-watch-interval=1m", "-register-timeout=5s"] }).stopAt(
    20 * MINUTE,
  );
  life.elb.failing = (call) =>
    call === "RegisterTargets" && life.clock.now() > MINUTE && life.clock.now() < 10 * MINUTE
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.reregistered, [arnOf("kafka")]);
  assertMatch(life.log.text, /error the target is not registered: .*AccessDenied/);
});

Deno.test("-listen alone: /status is never older than a minute, and each change is logged once", async () => {
  const life = new Life({ args: ["-listen=:0"] }).stopAt(60 * MINUTE);
  life.clock.at(20 * MINUTE, () => life.elb.states.set("kafka", "unhealthy"));
  life.clock.at(40 * MINUTE, () => life.elb.states.set("kafka", "healthy"));
  const seen = new Set<string>();
  for (let second = 120; second < 3_600; second += 7) {
    life.clock.at(second * SECOND, () => {
      const { groups: [group], ready } = life.view.status();
      assert((group?.health?.age ?? Infinity) <= MINUTE, `${group?.health?.age} ms old`);
      const minute = Math.floor(second / 60);
      seen.add(
        `${
          minute < 20 ? 0 : minute < 22 ? "?" : minute < 40 ? 1 : "?"
        } ${group?.health?.state} ${ready}`,
      );
    });
  }
  await life.run();
  assertEquals([...seen].filter((one) => !one.startsWith("?")), [
    "0 healthy true",
    "1 unhealthy true",
  ]);
  assertEquals(life.log.text.match(/target is not healthy/g)?.length, 1);
  assertEquals(life.log.text.match(/target is healthy again/g)?.length, 1);
});

Deno.test("-listen alone reports a target that another client deregistered, and leaves it", async () => {
  const life = new Life({ args: ["-listen=:0"] }).stopAt(60 * MINUTE);
  life.clock.at(20 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  let membership: string | undefined;
  life.clock.at(21 * MINUTE + SECOND, () => membership = life.view.status().groups[0]?.membership);
  assertEquals((await life.run()).exit, "done");
  assertEquals(membership, "absent");
  assertEquals(life.elb.calls.filter(({ call }) => call === "RegisterTargets").length, 1);
  assertEquals(life.log.text.match(/error another client deregistered the target/g)?.length, 1);
});

Deno.test("polls that are denied or throttled while serving become rare, and are logged once", async () => {
  for (const code of ["AccessDenied", "Throttling"]) {
    const life = new Life({ args: ["-watch-interval=30s"] }).stopAt(600 * MINUTE);
    life.elb.failing = (call) =>
      call === "DescribeTargetHealth" && life.clock.now() > MINUTE &&
        life.clock.now() < 500 * MINUTE
        ? { code, retryable: code === "Throttling" }
        : undefined;
    await life.run();
    const polls = life.elb.calls.filter(({ call, at }) =>
      call === "DescribeTargetHealth" && at > MINUTE && at < 500 * MINUTE
    );
    assert(polls.length > 40 && polls.length < 70, `${polls.length} polls in 500 minutes`);
    assertEquals(
      life.log.lines.filter((line) => line.startsWith(`warn DescribeTargetHealth`)).length,
      1,
    );
  }
});
