/** What a serving sidecar sees of its target, and what it does about it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { arnOf } from "../fake_load_balancer.ts";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

/** A lifecycle whose calls of a kind are refused between two moments. */
function refusing(
  call: "RegisterTargets" | "DescribeTargetHealth",
  [from, to]: readonly [number, number],
  code = "AccessDenied",
): Life {
  const life: Life = new Life({ args: ["-watch-interval=1m", "-register-timeout=5s"] });
  life.elb.failing = (made) =>
    made === call && life.clock.now() > from && life.clock.now() < to
      ? { code, retryable: code === "Throttling" }
      : undefined;
  return life;
}

Deno.test("without -watch-interval and -listen, a serving sidecar makes no call", async () => {
  const life = new Life().stopAt(600 * MINUTE);
  await life.run();
  assertEquals(life.elb.order, "find register poll deregister");
});

Deno.test("-watch-interval registers a target again that another client deregistered", async () => {
  for (const state of ["absent", "draining"] as const) {
    const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(20 * MINUTE);
    life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", state));
    assertEquals((await life.run()).exit, "done");
    assertEquals(life.elb.at("RegisterTargets").length, 2);
    assertEquals(life.reregistered, [arnOf("kafka")]);
    assertMatch(life.log.text, /warn another client deregistered the target: registering it again/);
    assertEquals(life.elb.states.get("kafka"), "draining");
  }
});

Deno.test("-watch-interval tries again where a poll or registering again is refused", async () => {
  const polls = refusing("DescribeTargetHealth", [MINUTE, 8 * MINUTE]);
  const registering = refusing("RegisterTargets", [MINUTE, 10 * MINUTE]);
  for (const life of [polls, registering]) {
    life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "absent"));
    assertEquals((await life.stopAt(20 * MINUTE).run()).exit, "done");
    assertEquals(life.reregistered, [arnOf("kafka")]);
  }
  assertMatch(registering.log.text, /error the target is not registered: .*AccessDenied/);
});

Deno.test("-watch-interval polls at random moments, between half of it and one and a half", async () => {
  const life = new Life({ args: ["-watch-interval=1m"] }).stopAt(60 * MINUTE);
  await life.run();
  const polls = life.elb.at("DescribeTargetHealth");
  const pauses = polls.slice(2).map((at, index) => at - (polls[index + 1] ?? 0));
  for (const pause of pauses) assert(pause >= 30 * SECOND && pause <= 91 * SECOND, `${pause}`);
  assert(polls.length >= 40, `${polls.length}`);
});

Deno.test("-watch-interval watches each group by itself; a deleted one only until then", async () => {
  const args = ["-watch-interval=1m"];
  const life = new Life({ args, groups: ["kafka", "edge"] }).stopAt(20 * MINUTE);
  life.clock.at(5 * MINUTE, () => life.elb.states.delete("edge"));
  life.clock.at(10 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  let error: string | undefined;
  life.clock.at(15 * MINUTE, () => {
    error = life.view.status().groups.find(({ name }) => name === "edge")?.error;
  });
  assertEquals((await life.run()).exit, "done");
  assertEquals(error, "the target group was deleted");
  assertEquals(life.reregistered, [arnOf("kafka")]);
  const late = life.elb.calls.filter(({ call, group, at }) =>
    call === "DescribeTargetHealth" && group === "edge" && at > 7 * MINUTE && at < 20 * MINUTE
  );
  assertEquals(late, [], "a deleted group is not polled");
  assertMatch(life.log.text, /error the target group was deleted: it is not watched any more/);
});

Deno.test("-listen alone: /status is never older than three checks, and each change is logged once", async () => {
  const life = new Life({ args: ["-listen=:0"] }).stopAt(60 * MINUTE);
  life.clock.at(20 * MINUTE, () => life.elb.states.set("kafka", "unhealthy"));
  life.clock.at(40 * MINUTE, () => life.elb.states.set("kafka", "healthy"));
  const seen: string[] = [];
  for (let second = 120; second < 3_600; second += 7) {
    life.clock.at(second * SECOND, () => {
      const { groups: [group], ready } = life.view.status();
      // Three of the group's own checks.
      assert((group?.health?.age_seconds ?? Infinity) <= 30, `${group?.health?.age_seconds} s old`);
      assertEquals(ready, true);
      const state = group?.health?.state ?? "unknown";
      if (seen.at(-1) !== state) seen.push(state);
    });
  }
  await life.run();
  assertEquals(seen, ["healthy", "unhealthy", "healthy"]);
  assertEquals(life.log.text.match(/target is not healthy/g)?.length, 1);
  assertEquals(life.log.text.match(/target is healthy again/g)?.length, 1);
});

Deno.test("a zonal shift is in the log and in /status, from its beginning to its end", async () => {
  const life: Life = new Life({ args: ["-listen=:0"] }).stopAt(60 * MINUTE);
  const override = "zonal_shift_active";
  life.elb.lie = () => {
    const isShifted = life.clock.now() > 20 * MINUTE && life.clock.now() < 40 * MINUTE;
    return isShifted ? { target: { id: "10.0.0.1" }, state: "healthy", override } : undefined;
  };
  const seen = [19, 30, 50].map((minute) =>
    new Promise((resolve) => {
      const now = () => resolve(life.view.status().groups[0]?.health?.override);
      life.clock.at(minute * MINUTE, now);
    })
  );
  await life.run();
  assertEquals(await Promise.all(seen), [undefined, override, undefined]);
  const said = life.log.lines.filter((line) => /override|new connections/.test(line));
  assertEquals(said.map((line) => line.split(" {")[0]), [
    "warn the target gets no new connections, whatever its health",
    "info no override any more: the health decides",
  ]);
});

Deno.test("-listen alone reports a target that another client deregistered, and leaves it", async () => {
  const life = new Life({ args: ["-listen=:0"] }).stopAt(60 * MINUTE);
  life.clock.at(20 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  let membership: string | undefined;
  life.clock.at(21 * MINUTE + SECOND, () => membership = life.view.status().groups[0]?.membership);
  assertEquals((await life.run()).exit, "done");
  assertEquals(membership, "absent");
  assertEquals(life.elb.at("RegisterTargets").length, 1);
  assertEquals(life.log.text.match(/error another client deregistered the target/g)?.length, 1);
});

Deno.test("a target that was never in service is polled twice a minute, however often that is throttled", async () => {
  const args = ["-listen=:0", "-wait-in-service-timeout=1m"];
  const life: Life = new Life({ args }).stopAt(65 * MINUTE);
  life.elb.lie = () =>
    life.clock.now() < 50 * MINUTE ? { target: { id: "10.0.0.1" }, state: "initial" } : undefined;
  life.elb.failing = (call) =>
    call === "DescribeTargetHealth" && life.clock.now() > 2 * MINUTE &&
      life.clock.now() < 60 * MINUTE
      ? { code: "Throttling", retryable: true }
      : undefined;
  let isReady = false;
  life.clock.at(61 * MINUTE, () => isReady = life.view.status().ready);
  await life.run();
  assertEquals(isReady, true);
  const polls = life.elb.at("DescribeTargetHealth", 2 * MINUTE, 60 * MINUTE);
  assert(polls.length > 110 && polls.length < 180, `${polls.length} polls in 58 minutes`);
});

Deno.test("polls that are denied or throttled while serving become rare, and are logged once", async () => {
  for (const code of ["AccessDenied", "Throttling"]) {
    const life = refusing("DescribeTargetHealth", [MINUTE, 500 * MINUTE], code);
    await life.stopAt(600 * MINUTE).run();
    const polls = life.elb.at("DescribeTargetHealth", MINUTE, 500 * MINUTE);
    assert(polls.length > 40 && polls.length < 70, `${polls.length} polls in 500 minutes`);
    const warned = life.log.lines.filter((line) => line.startsWith("warn DescribeTargetHealth"));
    assertEquals(warned.length, 1);
  }
});

Deno.test("-watch-interval believes no answer that is absent right after registering", async () => {
  const args = ["-watch-interval=1s", "-wait-in-service=false", "-confirm-settle=15s"];
  const life = new Life({ args }).stopAt(MINUTE);
  const target = { id: "10.0.0.1" };
  life.elb.lie = () =>
    life.clock.now() < 14 * SECOND
      ? { target, state: "unused", reason: "Target.NotRegistered" }
      : undefined;
  await life.run();
  assertEquals(life.elb.at("RegisterTargets").length, 1);
});
