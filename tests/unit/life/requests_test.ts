import { assert, assertEquals, assertMatch } from "@std/assert";
import { sleep } from "../../../lib/host/clock.ts";
import { Life, MINUTE, SECOND } from "./_life.ts";

function secondOf(at: number): number {
  return Math.round(at / SECOND);
}

Deno.test("/drain deregisters, and is answered when the target is drained", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  const { end, at } = await drained;
  assertEquals([end, secondOf(at)], ["drained", 60 + 301]);
  assertEquals(secondOf(life.clock.now()), 1200, "the process stays until it is stopped");
  assertEquals(life.elb.order, "FRLDAL");
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
  assertEquals(life.elb.order, "FRLDAL");
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
  assertEquals(life.elb.order, "F");
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
  assertMatch((await first).end, /^it could not be confirmed that this target is deregistered/);
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
  const { exit, sentence } = await life.run();
  assertEquals(exit, "deregistrationNotConfirmed");
  assertMatch(sentence, /AccessDenied/);
  assertMatch((await drained).end, /AccessDenied/);
});

Deno.test("/register undoes a drain that has ended", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(10 * MINUTE, () => assertEquals(life.requests.register(), "registering"));
  assertEquals((await life.run()).exit, "done");
  assertEquals(life.elb.order, "FRLDALRLD", "groups are not looked up again");
  assertEquals(life.hooks.length, 8, "each hook once in each cycle");
});

Deno.test("/register during a drain registers again when the drain has ended", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  life.clock.at(2 * MINUTE, () => assertEquals(life.requests.register(), "registering"));
  await life.run();
  assertEquals((await drained).end, "drained");
  assertEquals(life.elb.order, "FRLDALRLD");
});

Deno.test("/drain after /register is the last word", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const first = life.drainAt(MINUTE);
  life.clock.at(2 * MINUTE, () => life.requests.register());
  const second = life.drainAt(3 * MINUTE);
  await life.run();
  assertEquals([(await first).end, (await second).end], ["drained", "drained"]);
  assertEquals(life.elb.order, "FRLDAL");
});

Deno.test("/register without a drain does nothing", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.clock.at(2 * MINUTE, () => assertEquals(life.requests.register(), "not-drained"));
  await life.run();
  assertEquals(life.elb.order, "FRLD");
});

Deno.test("an application that comes back is registered again, ten times in a row", async () => {
  const restarts = Array.from({ length: 10 }, (_, at) => (at + 1) * 10 * MINUTE);
  const life: Life = new Life({
    application: {
      wait: () => Promise.resolve(),
      // It comes back eight minutes after the drain began.
      restarted: (signal) => sleep(life.clock.within(8 * MINUTE, signal)),
    },
  }).stopAt(120 * MINUTE);
  const drains = restarts.map((moment) => life.drainAt(moment));
  assertEquals((await life.run()).exit, "done");
  assertEquals((await Promise.all(drains)).map(({ end }) => end), Array(10).fill("drained"));
  assertEquals(life.elb.order, `F${"RLDAL".repeat(10)}RLD`);
  assertEquals(life.hooks.length, 44);
});

Deno.test("an application that comes back before the end of the drain waits for that end", async () => {
  const life: Life = new Life({
    application: {
      wait: () => Promise.resolve(),
      restarted: (signal) => sleep(life.clock.within(MINUTE, signal)),
    },
  }).stopAt(20 * MINUTE);
  const drained = life.drainAt(MINUTE);
  await life.run();
  assertEquals(secondOf((await drained).at), 361);
  assertEquals(life.elb.order, "FRLDALRLD");
  const again = life.elb.calls.filter(({ call }) => call === "RegisterTargets")[1];
  assert(again !== undefined && again.at > 360 * SECOND);
});

Deno.test("an application that comes back after a stop is not registered again", async () => {
  const life: Life = new Life({
    application: {
      wait: () => Promise.resolve(),
      restarted: (signal) => sleep(life.clock.within(2 * MINUTE, signal)),
    },
  }).stopAt(90 * SECOND);
  life.drainAt(MINUTE);
  await life.run();
  assertEquals(life.elb.order, "FRLDAL");
});

Deno.test("the board tells what a life does, and where its target stands", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  life.drainAt(MINUTE);
  const seen: string[] = [];
  const besides = { stopping: false, drainRequested: false, application: [] };
  for (const moment of [30 * SECOND, 2 * MINUTE, 10 * MINUTE]) {
    life.clock.at(moment, () => {
      const { phase, groups, drain } = life.board.status(besides);
      const [group] = groups;
      seen.push(`${phase} ${group?.membership} ${group?.health?.state} ${drain?.done}`);
    });
  }
  await life.run();
  assertEquals(seen, [
    "serving registered healthy undefined",
    "draining draining healthy false",
    "drained absent healthy true",
  ]);
});
