/** Moments in which the sidecar was seen to break a promise, each as it happened. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { sleep } from "../../../lib/host/clock.ts";
import { Life, type LifeOptions, MINUTE, SECOND } from "./_lifecycle.ts";

const HOUR = 60 * MINUTE;

/** Deregistering cannot be confirmed before a moment. */
function failingUntil(moment: number, options: LifeOptions): Life {
  const life: Life = new Life(options);
  life.elb.failing = (call) =>
    call === "DeregisterTargets" && life.clock.now() < moment
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  return life;
}

Deno.test("/register and /drain in one tick, in both orders: the last one is right", async () => {
  for (const order of ["register, drain", "drain, register"]) {
    const life = new Life({ args: ["-min-drain-time=0s"] }).stopAt(20 * MINUTE);
    life.elb.delay = 0;
    life.drainAt(MINUTE);
    const ends: Promise<unknown>[] = [];
    const drain = () => ends.push(life.view.drain());
    const register = () => ends.push(Promise.resolve(life.view.register()));
    life.clock.at(5 * MINUTE, () => {
      for (const act of order === "register, drain" ? [register, drain] : [drain, register]) act();
    });
    await life.run();
    assertEquals((await Promise.all(ends)).length, 2, "both are answered");
    const again = life.elb.at("RegisterTargets").length - 1;
    assertEquals(again, order === "register, drain" ? 0 : 1, order);
    assert(!life.log.text.includes("undefined"));
  }
});

Deno.test("a target that another client registers in one of two groups is found while the other drains", async () => {
  const args = ["-wait-drained", "-wait-drained-timeout=20m", "-min-drain-time=0s"];
  const life = new Life({ args, groups: ["slow", "quick"] }).stopAt(MINUTE);
  // Both drain for five minutes, and one is registered again when it is over for the other.
  life.clock.at(MINUTE + 10 * SECOND, () => life.elb.states.set("quick", "absent"));
  life.clock.at(5.9 * MINUTE, () => life.elb.states.set("quick", "healthy"));
  // While that one drains again, the other, which was seen to be gone.
  life.clock.at(8 * MINUTE, () => life.elb.states.set("slow", "healthy"));
  assertEquals((await life.run()).exit, "done");
  assertEquals([...life.elb.states], [["slow", "absent"], ["quick", "absent"]]);
});

Deno.test("a stop an hour after a drain that failed has all of -deregister-timeout", async () => {
  const args = ["-grace-period=60s", "-deregister-timeout=30s"];
  const life = failingUntil(HOUR + 20 * SECOND, { args }).stopAt(HOUR);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertMatch((await drained).end, /^could not confirm/);
  assert(!/=-|":"-/.test(life.log.text), "no time is negative");
});

Deno.test("/drain an hour after one that failed has a grace period of its own", async () => {
  const args = ["-grace-period=60s", "-deregister-timeout=30s", "-min-drain-time=10s"];
  const life = failingUntil(HOUR, { args }).stopAt(2 * HOUR);
  life.elb.delay = 10 * SECOND;
  life.drainAt(MINUTE);
  const again = life.drainAt(HOUR + SECOND);
  await life.run();
  assertEquals((await again).end, "drained");
});

Deno.test("a grace period that is all used up leaves two seconds to deregister", async () => {
  const life = new Life({ args: ["-grace-period=1s"] }).stopAt(MINUTE);
  life.elb.takes = (call) => call === "DeregisterTargets" ? 600 : 10;
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.states.get("kafka"), "draining");
});

Deno.test("a step that fails has its whole time to deregister, whatever -grace-period says", async () => {
  const args = ["-grace-period=5s", "-deregister-timeout=30s", "-require-in-service"];
  const life = failingUntil(5 * MINUTE + 20 * SECOND, { args });
  life.elb.lie = () => ({ target: { id: "10.0.0.1" }, state: "initial" });
  assertEquals((await life.run()).exit, "notRegistered");
  assertEquals(life.elb.states.get("kafka"), "draining");
});

Deno.test("/drain after one that failed, and /register, waits until the target is drained", async () => {
  let waits = 0;
  const life: Life = failingUntil(2 * MINUTE, {
    args: ["-deregister-timeout=10s", "-min-drain-time=0s"],
    application: {
      wait: async (stop) => ++waits === 1 ? undefined : await sleep(stop),
      restarted: () => new Promise(() => {}),
    },
  });
  const first = life.drainAt(MINUTE);
  // Deregistered now, and draining for five minutes; then wanted back, and not registered yet.
  const second = life.drainAt(2 * MINUTE + SECOND);
  life.clock.at(2 * MINUTE + 2 * SECOND, () => life.view.register());
  const third = life.drainAt(2 * MINUTE + 3 * SECOND);
  await life.stopAt(20 * MINUTE).run();
  assertMatch((await first).end, /^could not confirm/);
  for (const { end, at } of [await second, await third]) {
    assertEquals(end, "drained");
    assert(at >= 7 * MINUTE, `after ${at} ms`);
  }
});

Deno.test("-wait-drained waits for a target that a drain before has left draining", async () => {
  const args = ["-wait-drained", "-wait-drained-timeout=20m", "-grace-period=2m"];
  const life = new Life({ args }).stopAt(4 * MINUTE);
  life.elb.delay = 5 * MINUTE;
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertMatch((await drained).end, /not drained/);
  assert(life.clock.now() >= 6 * MINUTE - 5 * SECOND, `${life.clock.now()} ms`);
});

Deno.test("a client that registers the target again and again costs few calls", async () => {
  const args = ["-wait-drained", "-min-drain-time=0s", "-wait-drained-timeout=1m"];
  const life = new Life({ args }).stopAt(MINUTE);
  life.elb.failing = (call) =>
    call === "DescribeTargetGroupAttributes"
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  life.elb.lie = () => ({ target: { id: "10.0.0.1" }, state: "healthy" });
  await life.run();
  const calls = life.elb.at("DeregisterTargets", MINUTE);
  assert(calls.length > 3 && calls.length < 12, `${calls.length} calls in a minute`);
});

Deno.test("a refusal is repeated every five seconds, and logged once", async () => {
  const life = failingUntil(Infinity, { args: ["-deregister-timeout=30s"] }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "deregistrationNotConfirmed");
  assertEquals(life.elb.at("DeregisterTargets").length, 6);
  const warnings = life.log.lines.filter((line) => line.startsWith("warn AccessDenied")).length;
  const all = life.log.lines.filter((line) => line.includes("AccessDenied") && line[0] === "w");
  assertEquals(Math.max(warnings, all.length), 1, life.log.text);
});

for (const code of ["Throttling", "TooManyTargets", "ServiceUnavailable"]) {
  Deno.test(`with default flags ${code} ends neither registering nor deregistering`, async () => {
    const life: Life = new Life().stopAt(2 * HOUR);
    life.elb.failing = () => {
      const isOver = Math.floor(life.clock.now() / HOUR) % 2 === 1;
      return isOver ? undefined : { code, retryable: true };
    };
    assertEquals((await life.run()).exit, "done");
    const [found, registered] = [
      life.elb.at("DescribeTargetGroups"),
      life.elb.at("RegisterTargets"),
    ];
    assert((found.at(-1) ?? 0) >= HOUR && found.length < 1_000, `found after ${found.at(-1)} ms`);
    assertEquals([registered.length, life.elb.states.get("kafka")], [1, "draining"]);
    assert(life.clock.now() >= 3 * HOUR, `deregistered after ${life.clock.now()} ms`);
  });
}

/** Without -deregister-timeout, what ends deregistering all the same, and how long after the stop. */
const ENDS: Readonly<Record<string, [args: string[], code: string, second: number, ends: number]>> =
  {
    "a refusal": [[], "AccessDenied", NaN, 30 * SECOND],
    "a second stop signal": [[], "ServiceUnavailable", 5 * MINUTE, 5.5 * MINUTE],
    "the grace period": [
      ["-grace-period=20m"],
      "ServiceUnavailable",
      NaN,
      20 * MINUTE - 2 * SECOND,
    ],
  };
for (const [what, [args, code, second, ends]] of Object.entries(ENDS)) {
  Deno.test(`without -deregister-timeout, ${what} ends deregistering`, async () => {
    const life: Life = new Life({ args });
    // An hour later the API would take it: so that the test has an end, whatever is broken.
    life.elb.failing = (call) =>
      call === "DeregisterTargets" && life.clock.now() < HOUR
        ? { code, retryable: code !== "AccessDenied" }
        : undefined;
    life.stopAt(MINUTE, ...(second > 0 ? [MINUTE + second] : []));
    const { exit, message } = await life.run();
    assertEquals(exit, "deregistrationNotConfirmed");
    assertMatch(message, new RegExp(code));
    const took = life.clock.now() - MINUTE;
    assert(took > ends - SECOND && took < ends + 6 * SECOND, `${took} ms`);
  });
}

Deno.test("a stop signal after a failure begins the grace period of what is under way", async () => {
  const life = new Life({ args: ["-grace-period=40s"] }).stopAt(3 * MINUTE);
  life.elb.failing = (call) =>
    call === "DeregisterTargets" && life.clock.now() < HOUR
      ? { code: "Throttling", retryable: true }
      : undefined;
  const cause = new Error("out of order");
  life.clock.at(MINUTE, () => life.intent.send({ event: "failed", at: MINUTE, cause }));
  assertEquals((await life.run()).exit, "deregistrationNotConfirmed");
  const took = life.clock.now() - 3 * MINUTE;
  assert(took > 30 * SECOND && took <= 40 * SECOND, `${took} ms`);
});

Deno.test("the zone is for RegisterTargets alone: a poll that names another one finds nothing", async () => {
  const args = ["-availability-zone=eu-west-1b", "-wait-drained"];
  const life = new Life({ args }).stopAt(MINUTE);
  await life.run();
  const zones = (wanted: string) =>
    life.elb.calls.filter(({ call }) => call === wanted)
      .map(({ target }) => target?.availabilityZone);
  assertEquals(zones("RegisterTargets"), ["eu-west-1b"]);
  assertEquals(new Set(zones("DescribeTargetHealth")), new Set([undefined]));
});

Deno.test("more groups than calls at a time drain though each poll is slow", async () => {
  const groups = Array.from({ length: 25 }, (_, at) => `group-${at}-of-25`);
  const args = ["-wait-drained", "-min-drain-time=0s", "-deregister-timeout=3m"];
  const life = new Life({ args, groups }).stopAt(10 * MINUTE);
  life.elb.takes = (call) => call === "DescribeTargetHealth" ? 6 * SECOND : 10;
  const { exit } = await life.run();
  assertEquals([exit, [...new Set(life.elb.states.values())]], ["done", ["absent"]]);
  assert(!life.log.text.includes("not drained"), "it was not given up");
  const polls = life.elb.at("DescribeTargetHealth", 10 * MINUTE);
  assert(polls.length <= 2 * groups.length, `${polls.length} polls`);
});

Deno.test("-wait-idle: a throttled poll says nothing of another client's registration", async () => {
  const args = ["-wait-drained", "-wait-idle", "-min-drain-time=30s", "-wait-drained-timeout=20m"];
  const life: Life = new Life({ args, connections: () => 0 }).stopAt(MINUTE);
  life.clock.at(MINUTE + 20 * SECOND, () => life.elb.states.set("kafka", "healthy"));
  life.elb.failing = (call) =>
    call === "DescribeTargetHealth" && life.clock.now() > MINUTE && life.clock.now() < 3 * MINUTE
      ? { code: "Throttling", retryable: true }
      : undefined;
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.states.get("kafka"), "draining");
  const took = life.clock.now() - 3 * MINUTE;
  assert(took >= 30 * SECOND, `-min-drain-time counts from then: ${took} ms`);
});

Deno.test("-watch-interval: registering again that is denied becomes rare, and is logged once", async () => {
  const life = new Life({ args: ["-watch-interval=1ms"] }).stopAt(120 * MINUTE);
  life.elb.failing = (call) =>
    call === "RegisterTargets" && life.clock.now() > MINUTE
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  life.clock.at(5 * MINUTE, () => life.elb.states.set("kafka", "absent"));
  await life.run();
  const polls = life.elb.at("DescribeTargetHealth", 2 * MINUTE, 3 * MINUTE).length;
  assert(polls <= 120, `${polls} polls a minute, while all is well`);
  const denied = life.elb.at("RegisterTargets", 6 * MINUTE).length;
  assert(denied > 8 && denied < 40, `${denied} denied calls in two hours`);
  assertEquals(life.log.text.match(/error the target is not registered/g)?.length, 1);
});

Deno.test("a RegisterTargets call that hangs is named as the reason of exit code 5", async () => {
  const args = ["-deregister-timeout=2s", "-confirm-settle=1s"];
  const life = new Life({ args }).stopAt(SECOND);
  life.elb.courses = { RegisterTargets: [{}] };
  const { exit, message } = await life.run();
  assertEquals(exit, "deregistrationNotConfirmed");
  assertMatch(message, /RegisterTargets had no answer/);
});

Deno.test("a hook gets what the grace period leaves it, and says so", async () => {
  const timeouts: (number | undefined)[] = [];
  const args = ["-grace-period=8s", "-pre-deregister-timeout=20s"];
  const life: Life = new Life({
    args,
    hook: (event, timeout) => {
      if (event === "pre-deregister") timeouts.push(timeout);
      return { outcome: "succeeded" };
    },
  }).stopAt(MINUTE);
  await life.run();
  assertEquals(timeouts, [3 * SECOND], "of 8 s, 5 s are kept for what follows");
});

Deno.test("-deregister-timeout=200ms is enough where a call takes 80 ms", async () => {
  const life = new Life({ args: ["-deregister-timeout=200ms"] }).stopAt(MINUTE);
  life.elb.takes = () => 80;
  assertEquals((await life.run()).exit, "done");
});

/** An application that restarts at a moment, for whoever watches it then. */
function restartingAt(moment: number, args: readonly string[], hookEnds: number): Life {
  const life: Life = new Life({
    args,
    hook: async () => {
      const left = hookEnds - life.clock.now();
      if (left > 0 && life.clock.now() >= MINUTE) await sleep(life.clock.within(left));
      return { outcome: "succeeded" };
    },
    application: {
      wait: () => Promise.resolve(),
      restarted: async (signal) => {
        const left = moment - life.clock.now();
        await sleep(left > 0 ? life.clock.within(left, signal) : signal);
        signal.throwIfAborted();
      },
    },
  });
  life.elb.delay = 0;
  return life;
}

Deno.test("an application that restarts while the pre-deregister hook runs is registered again", async () => {
  const args = ["-min-drain-time=0s", "-pre-deregister-timeout=30s"];
  const life = restartingAt(MINUTE + 10 * SECOND, args, MINUTE + 20 * SECOND).stopAt(10 * MINUTE);
  life.drainAt(MINUTE);
  await life.run();
  assertEquals(life.elb.at("RegisterTargets").length, 2);
});

Deno.test("a restart counts after /register and /drain while the post-deregister hook ran", async () => {
  const args = ["-min-drain-time=0s", "-post-deregister-timeout=30s"];
  const life = restartingAt(5 * MINUTE, args, MINUTE + 20 * SECOND).stopAt(10 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(MINUTE + 30 * SECOND, () => {
    life.view.register();
    life.view.drain();
  });
  await life.run();
  assertEquals(life.elb.at("RegisterTargets").length, 2);
});
