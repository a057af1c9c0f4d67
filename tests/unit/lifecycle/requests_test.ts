/** `/drain`, `/register` and an application that comes back, and what is seen of a lifecycle. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HOOK_EVENTS, type HookEvent, type HookOutcome } from "../../../lib/hooks/hook.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { Life, type LifeOptions, MINUTE, SECOND, secondOf } from "./_lifecycle.ts";

/** A life whose application comes back so long after each drain began, and after each return. */
function comingBackAfter(time: number, options: LifeOptions = {}): Life {
  let watches = 0;
  const life: Life = new Life({
    ...options,
    application: {
      wait: () => Promise.resolve(),
      restarted: async (signal) => {
        assertEquals(++watches, 1, "one watch at a time");
        await sleep(life.clock.within(time, signal));
        watches--;
      },
    },
  });
  return life;
}

/** All calls of a life that was drained once, and of one that registered again after that. */
const DRAINED = "find register poll deregister delay poll";
const DRAINED_AND_BACK = `${DRAINED} register poll deregister`;

Deno.test("/drain is answered when the target is drained, and so are all that join it", async () => {
  const life = new Life().stopAt(20 * MINUTE);
  const drains = [1, 2, 3, 10].map((minute) => life.drainAt(minute * MINUTE));
  assertEquals((await life.run()).exit, "done");
  const answers = (await Promise.all(drains)).map(({ end, at }) => `${end} ${secondOf(at)}`);
  assertEquals(answers, ["drained 361", "drained 361", "drained 361", "drained 600"]);
  assertEquals(secondOf(life.clock.now()), 1200, "the process stays until it is stopped");
  assertEquals(life.elb.order, DRAINED);
  assertEquals(life.hooks, [...HOOK_EVENTS]);
});

Deno.test("a stop signal during a drain does not cut it short, and a second one does", async () => {
  for (
    const [second, answer, end] of [[undefined, "drained", 361], [180, "a second", 180]] as const
  ) {
    const life = new Life().stopAt(2 * MINUTE, second && second * SECOND);
    const drained = life.drainAt(MINUTE);
    assertEquals((await life.run()).exit, "done");
    assertMatch((await drained).end, new RegExp(`^${answer}`));
    assertEquals(secondOf(life.clock.now()), end, "the process ends when it is done");
  }
});

Deno.test("/drain after a stop signal joins the deregistration, and waits for the drain", async () => {
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

Deno.test("/register undoes a drain that is over or under way, and nothing else", async () => {
  for (const minute of [10, 2]) {
    const life = new Life().stopAt(20 * MINUTE);
    life.clock.at(MINUTE / 2, () => assertEquals(life.view.register(), "not-drained"));
    const drained = life.drainAt(MINUTE);
    life.clock.at(minute * MINUTE, () => assertEquals(life.view.register(), "registering"));
    assertEquals((await life.run()).exit, "done");
    assertEquals((await drained).end, "drained");
    assertEquals(life.elb.order, DRAINED_AND_BACK, "groups are not looked up again");
    assertEquals(life.hooks.length, 8, "each hook once in each cycle");
  }
});

Deno.test("registering again waits for a call of the cycle before that is in flight", async () => {
  const args = ["-deregister-timeout=2s", "-confirm-settle=1s"];
  const life = new Life({ args }).stopAt(MINUTE);
  life.elb.takes = (call) => call === "RegisterTargets" ? 9_500 : 10;
  life.drainAt(SECOND);
  life.clock.at(5 * SECOND, () => life.view.register());
  assertEquals((await life.run()).exit, "done");
  const [first = 0, second = 0] = life.elb.at("RegisterTargets");
  assert(second >= first + 9_500, `${second - first} ms after the first`);
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

Deno.test("an application that comes back before the drain has ended waits for that end", async () => {
  // It comes back while the pre-deregister hook runs, or while the target drains.
  for (const [hookEnd, delay, drained] of [[3 * MINUTE, 0, 181], [MINUTE, 300, 361]] as const) {
    const hook = async (event: HookEvent): Promise<HookOutcome> => {
      if (event === "pre-deregister") await sleep(life.clock.within(hookEnd - life.clock.now()));
      return { outcome: "succeeded" };
    };
    const life: Life = comingBackAfter(MINUTE, { hook, args: ["-min-drain-time=0s"] })
      .stopAt(20 * MINUTE);
    life.elb.delay = delay * SECOND;
    const drain = life.drainAt(MINUTE);
    await life.run();
    assertEquals(life.elb.order, DRAINED_AND_BACK);
    assertEquals(secondOf((await drain).at), drained);
    assertEquals(secondOf(life.elb.at("RegisterTargets")[1] ?? 0), drained);
  }
});

Deno.test("the status shows the phase and the target, and idle times are reported", async () => {
  const life = new Life().stopAt(40 * MINUTE);
  life.drainAt(MINUTE);
  life.clock.at(20 * MINUTE, () => life.view.register());
  const seen: string[] = [];
  for (const moment of [30 * SECOND, 2 * MINUTE, 10 * MINUTE]) {
    life.clock.at(moment, () => {
      const { phase, groups: [group], drain } = life.view.status();
      seen.push(`${phase} ${group?.membership} ${group?.health?.state} ${drain?.done}`);
    });
  }
  await life.run();
  assertEquals(seen, [
    "serving registered healthy undefined",
    "draining draining healthy false",
    "drained absent unused true",
  ]);
  assertEquals(life.rests, ["serving", "drained", "serving"]);
});
