import { assert, assertEquals, assertMatch } from "@std/assert";
import { abortable } from "@std/async/abortable";
import type { HookEvent, HookOutcome } from "../../../lib/hooks/hook.ts";
import { sleep } from "../../../lib/host/clock.ts";
import type { Application } from "../../../lib/lifecycle/ports.ts";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

function secondOf(at: number): number {
  return Math.round(at / SECOND);
}

/** A life whose application comes back so long after each drain began, and after each return. */
function comingBackAfter(time: number): Life {
  const life: Life = new Life({
    application: {
      wait: () => Promise.resolve(),
      restarted: (signal) => sleep(life.clock.within(time, signal)),
    },
  });
  return life;
}

/** A hook that succeeds at a moment. */
function endsAt(life: Life, moment: number): Promise<HookOutcome> {
  return new Promise((resolve) => life.clock.at(moment, () => resolve({ outcome: "succeeded" })));
}

/** DeregisterTargets fails until a moment. */
function refuseToDeregister(life: Life, until: number): void {
  life.elb.failing = (call) =>
    call === "DeregisterTargets" && life.clock.now() < until
      ? { code: "AccessDenied", retryable: false }
      : undefined;
}

Deno.test("/drain deregisters, and is answered when the target is drained", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  const { end, at } = await drained;
  assertEquals([end, secondOf(at)], ["drained", 60 + 301]);
  assertEquals(secondOf(life.clock.now()), 1200, "the process stays until it is stopped");
  assertEquals(life.elb.order, "find register poll deregister delay poll");
  assertEquals(life.hooks, [
    "pre-register",
    "post-register",
    "pre-deregister",
    "post-deregister",
  ]);
});

Deno.test("further calls of /drain join the first, and later ones are answered at once", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const ends = [1, 2, 3, 10].map((minute) => life.drainAt(minute * MINUTE));
  await life.run();
  const at = (await Promise.all(ends)).map(({ at }) => secondOf(at));
  assertEquals(at, [361, 361, 361, 600]);
  assertEquals(life.elb.order, "find register poll deregister delay poll");
});

Deno.test("a stop signal during a drain does not cut it short", async () => {
  const life = new Life().stopAt(2 * MINUTE);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals((await drained).end, "drained");
  assertEquals(secondOf(life.clock.now()), 361, "and the process ends when it is done");
});

Deno.test("a second stop signal during a drain ends the wait, and says so to who waits", async () => {
  const life = new Life().stopAt(2 * MINUTE, 3 * MINUTE);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertMatch((await drained).end, /^a second stop signal ended the wait/);
  assertEquals(secondOf(life.clock.now()), 180);
});

Deno.test("/drain after a stop signal joins the departure, and waits for the drain", async () => {
  const life = new Life().stopAt(MINUTE);
  life.elb.failing = (call) =>
    call === "DeregisterTargets" && life.clock.now() < MINUTE + 5 * SECOND
      ? { code: "Throttling", retryable: true }
      : undefined;
  const drained = life.drainAt(MINUTE + SECOND);
  assertEquals((await life.run()).exit, "done");
  assertEquals((await drained).end, "drained");
  assert(life.clock.now() > MINUTE + 300 * SECOND);
});

Deno.test("/drain before anything was registered is answered at once, and nothing follows", async () => {
  const life = new Life({
    application: {
      wait: async (stop) => {
        await sleep(stop);
        stop.throwIfAborted();
      },
      restarted: () => new Promise(() => {}),
    },
  }).stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(await drained, { end: "drained", at: MINUTE });
  assertEquals(life.elb.order, "find");
});

Deno.test("/drain says why where deregistering could not be confirmed, and may be tried again", async () => {
  const life = new Life({ args: ["-deregister-timeout=10s"] }).stopAt(20 * MINUTE);
  life.elb.failing = (call) =>
    life.clock.now() < 5 * MINUTE && call !== "DescribeTargetGroups" && life.clock.now() > MINUTE
      ? { code: "ServiceUnavailable", retryable: true }
      : undefined;
  const first = life.drainAt(MINUTE + 1);
  const second = life.drainAt(6 * MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertMatch((await first).end, /^could not confirm that this target is deregistered/);
  assertEquals((await second).end, "drained");
  assertEquals(life.elb.states.get("kafka"), "absent");
});

Deno.test("what a drain could not confirm is tried again when the stop signal comes", async () => {
  const life = new Life({ args: ["-deregister-timeout=10s"] }).stopAt(20 * MINUTE);
  life.elb.failing = (call) =>
    life.clock.now() < 5 * MINUTE && call !== "DescribeTargetGroups" && life.clock.now() > MINUTE
      ? { code: "ServiceUnavailable", retryable: true }
      : undefined;
  life.drainAt(MINUTE + 1);
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.states.get("kafka"), "draining");
});

Deno.test("a life that cannot confirm even then ends with exit code 5", async () => {
  const life = new Life({ args: ["-deregister-timeout=10s"] }).stopAt(20 * MINUTE);
  life.elb.failing = (call) =>
    call === "DeregisterTargets" ? { code: "AccessDenied", retryable: false } : undefined;
  const drained = life.drainAt(MINUTE);
  const { exit, message } = await life.run();
  assertEquals(exit, "deregistrationNotConfirmed");
  assertMatch(message, /AccessDenied/);
  assertMatch((await drained).end, /AccessDenied/);
});

Deno.test("/drain is a drain as any other while the post-deregister hook runs", async () => {
  const hook = (event: HookEvent): HookOutcome | Promise<HookOutcome> =>
    event === "post-deregister" ? endsAt(life, MINUTE + 10 * SECOND) : { outcome: "succeeded" };
  const life: Life = new Life({ args: ["-min-drain-time=30s"], hook }).stopAt(MINUTE);
  life.elb.delay = 0;
  const drained = life.drainAt(MINUTE + 5 * SECOND);
  assertEquals((await life.run()).exit, "done");
  const { end, at } = await drained;
  assertEquals([end, secondOf(at)], ["drained", 60 + 30]);
});

Deno.test("/drain waits for the drain where a stop ends what an earlier one could not", async () => {
  const life = new Life({ args: ["-min-drain-time=30s", "-deregister-timeout=10s"] });
  life.elb.delay = 0;
  refuseToDeregister(life, 2 * MINUTE);
  const first = life.drainAt(MINUTE);
  const second = life.drainAt(2 * MINUTE + 5);
  assertEquals((await life.stopAt(2 * MINUTE).run()).exit, "done");
  assertMatch((await first).end, /could not confirm/);
  const { end, at } = await second;
  assertEquals([end, secondOf(at)], ["drained", 120 + 30]);
});

Deno.test("/drain before registering again deregisters what the drain before has left", async () => {
  let waits = 0;
  const application: Application = {
    wait: (stop) => ++waits === 1 ? Promise.resolve() : abortable(new Promise(() => {}), stop),
    restarted: () => new Promise(() => {}),
  };
  const args = ["-min-drain-time=30s", "-deregister-timeout=10s"];
  const life = new Life({ args, application });
  life.elb.delay = 0;
  refuseToDeregister(life, 2 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(MINUTE + 20 * SECOND, () => life.view.register());
  const again = life.drainAt(3 * MINUTE);
  assertEquals((await life.stopAt(4 * MINUTE).run()).exit, "done");
  const { end, at } = await again;
  assertEquals([end, secondOf(at)], ["drained", 180 + 30]);
  assertEquals(life.elb.states.get("kafka"), "absent");
  assertEquals(life.hooks.filter((event) => event === "post-deregister").length, 2);
});

Deno.test("registering again waits for a call of the cycle before that is on its way", async () => {
  const args = ["-deregister-timeout=2s", "-confirm-settle=1s"];
  const life = new Life({ args }).stopAt(MINUTE);
  life.elb.takes = (call) => call === "RegisterTargets" ? 9_500 : 10;
  life.drainAt(SECOND);
  life.clock.at(5 * SECOND, () => life.view.register());
  assertEquals((await life.run()).exit, "done");
  const [first, second] = life.elb.calls.filter(({ call }) => call === "RegisterTargets");
  assert(first !== undefined && second !== undefined);
  assert(second.at >= first.at + 9_500, `${second.at - first.at} ms after the first`);
});

Deno.test("/register undoes a drain that has ended", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(10 * MINUTE, () => assertEquals(life.view.register(), "registering"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(
    life.elb.order,
    "find register poll deregister delay poll register poll deregister",
    "groups are not looked up again",
  );
  assertEquals(life.hooks.length, 8, "each hook once in each cycle");
});

Deno.test("/register during a drain registers again when the drain has ended", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  life.clock.at(2 * MINUTE, () => assertEquals(life.view.register(), "registering"));
  await life.run();
  assertEquals((await drained).end, "drained");
  assertEquals(life.elb.order, "find register poll deregister delay poll register poll deregister");
});

Deno.test("/drain after /register is the last word", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const first = life.drainAt(MINUTE);
  life.clock.at(2 * MINUTE, () => life.view.register());
  const second = life.drainAt(3 * MINUTE);
  await life.run();
  assertEquals([(await first).end, (await second).end], ["drained", "drained"]);
  assertEquals(life.elb.order, "find register poll deregister delay poll");
});

Deno.test("/register without a drain does nothing", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.clock.at(2 * MINUTE, () => assertEquals(life.view.register(), "not-drained"));
  await life.run();
  assertEquals(life.elb.order, "find register poll deregister");
});

Deno.test("an application that comes back is registered again, ten times in a row", async () => {
  const restarts = Array.from({ length: 10 }, (_, at) => (at + 1) * 10 * MINUTE);
  const life = comingBackAfter(8 * MINUTE).stopAt(120 * MINUTE);
  const drains = restarts.map((moment) => life.drainAt(moment));
  assertEquals((await life.run()).exit, "done");
  assertEquals((await Promise.all(drains)).map(({ end }) => end), Array(10).fill("drained"));
  assertEquals(
    life.elb.order,
    `find ${"register poll deregister delay poll ".repeat(10)}register poll deregister`,
  );
  assertEquals(life.hooks.length, 44);
});

Deno.test("an application that comes back before the end of the drain waits for that end", async () => {
  const life = comingBackAfter(MINUTE).stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  await life.run();
  assertEquals(secondOf((await drained).at), 361);
  assertEquals(life.elb.order, "find register poll deregister delay poll register poll deregister");
  const again = life.elb.calls.filter(({ call }) => call === "RegisterTargets")[1];
  assert(again !== undefined && again.at > 360 * SECOND);
});

Deno.test("/drain is the last word after an application came back, until it comes back once more", async () => {
  const life = comingBackAfter(4 * MINUTE).stopAt(20 * MINUTE);
  life.drainAt(MINUTE);
  // It came back at 5, with the drain under way; it does so again four minutes after the last drain.
  const again = life.drainAt(5.5 * MINUTE);
  await life.run();
  assertEquals(secondOf((await again).at), 361);
  const second = life.elb.calls.filter(({ call }) => call === "RegisterTargets")[1];
  assertEquals(secondOf(second?.at ?? 0), 9.5 * 60);
});

Deno.test("/drain is the last word after /register, also while the last hook runs", async () => {
  const hook = (event: HookEvent): HookOutcome | Promise<HookOutcome> =>
    event === "post-deregister" ? endsAt(life, 3 * MINUTE) : { outcome: "succeeded" };
  const life: Life = new Life({ args: ["-min-drain-time=30s"], hook }).stopAt(20 * MINUTE);
  life.elb.delay = 0;
  life.drainAt(MINUTE);
  life.clock.at(MINUTE + SECOND, () => assertEquals(life.view.register(), "registering"));
  const again = life.drainAt(2 * MINUTE);
  assertEquals((await life.run()).exit, "done");
  assertEquals(await again, { end: "drained", at: 2 * MINUTE });
  assertEquals(life.elb.at("RegisterTargets").length, 1, "it is not registered again");
});

Deno.test("an application that comes back after a stop is not registered again", async () => {
  const life = comingBackAfter(2 * MINUTE).stopAt(90 * SECOND);
  life.drainAt(MINUTE);
  await life.run();
  assertEquals(life.elb.order, "find register poll deregister delay poll");
});

Deno.test("the board tells what a life does, and where its target stands", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.drainAt(MINUTE);
  const seen: string[] = [];
  for (const moment of [30 * SECOND, 2 * MINUTE, 10 * MINUTE]) {
    life.clock.at(moment, () => {
      const { phase, groups, drain } = life.view.status();
      const [group] = groups;
      seen.push(`${phase} ${group?.membership} ${group?.health?.state} ${drain?.done}`);
    });
  }
  await life.run();
  assertEquals(seen, [
    "serving registered healthy undefined",
    "draining draining healthy false",
    "drained absent unused true",
  ]);
});

Deno.test("a life tells when it has nothing to do: serving, drained, and serving again", async () => {
  const life = new Life().stopAt(40 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(20 * MINUTE, () => life.view.register());
  await life.run();
  assertEquals(life.rests, ["serving", "drained", "serving"]);
});
