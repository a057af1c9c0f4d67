/** A sidecar that is killed at any moment around a drain, and started again with what it kept. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { State } from "../fake_load_balancer.ts";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

const KILLS = 1_000;
const DRAIN_AT = 10 * SECOND;
const ARGS = ["-listen=:8081", "-min-drain-time=30s"];

/** How a call of a kind ends late, or not at all. */
const COURSES = [
  undefined,
  [{ appliedAfter: 10 }],
  [{ answeredAfter: 10, error: { code: "Throttling" } }, { appliedAfter: 500, answeredAfter: 600 }],
  [{ appliedAfter: 4_000, answeredAfter: 4_100 }],
] as const;

/** What the processes of one pod leave each other. */
class Kept {
  wasDraining = false;

  keep(isDraining: boolean): void {
    this.wasDraining = isDraining;
  }
}

/** A process, from the state that its forerunner left to its own end at a moment. */
async function live(
  kept: Kept,
  { state, killedAt, act }: {
    readonly state: State;
    readonly killedAt: number;
    readonly act?: (life: Life) => void;
  },
): Promise<Life> {
  const stateFile = { wasDraining: kept.wasDraining, keep: (is: boolean) => kept.keep(is) };
  const life = new Life({ args: ARGS, stateFile });
  life.elb.delay = 40 * SECOND;
  life.elb.states.set("kafka", state);
  life.clock.at(life.elb.delay, () => {
    if (state === "draining") life.elb.states.set("kafka", "absent");
  });
  act?.(life);
  await life.playUntil(killedAt);
  return life;
}

Deno.test("killed at any moment of a drain, a sidecar never registers its pod again", async () => {
  let [registered, drained] = [0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    const kept = new Kept();
    const course = COURSES[kill % COURSES.length];
    // Dense around the beginning of the drain, and later to its end.
    const after = kill % 2 === 0 ? kill / 10 : kill * 60;
    const first = await live(kept, {
      state: "absent",
      killedAt: DRAIN_AT + after,
      act: (life) => {
        // It may drain before it is registered, while its call is under way, or later.
        if (kill % 3 === 0) life.elb.takes = (call) => call === "RegisterTargets" ? DRAIN_AT : 10;
        if (course !== undefined) life.elb.courses["DeregisterTargets"] = [...course];
        void life.drainAt(DRAIN_AT);
      },
    });
    assertEquals(kept.wasDraining, true, `kill ${kill}`);
    const state = first.elb.states.get("kafka") ?? "absent";
    if (state === "healthy") registered++;
    const second = await live(kept, {
      state,
      killedAt: 2 * MINUTE,
      act: (life) => {
        // A call of the first one that was under way is applied late.
        if (kill % 3 === 0) {
          life.clock.at(2 * SECOND, () => life.elb.states.set("kafka", "healthy"));
        }
      },
    });
    assertEquals(second.elb.at("RegisterTargets"), [], `kill ${kill}`);
    const end = second.elb.states.get("kafka");
    assert(end === "draining" || end === "absent", `kill ${kill}: ${end}`);
    if (second.view.status().phase === "drained") drained++;
  }
  assert(registered > 20 && drained === KILLS, `${registered} left registered, ${drained} drained`);
});

Deno.test("without a drain, or after it is undone, a killed sidecar registers again", async () => {
  for (const act of [() => {}, undo]) {
    const kept = new Kept();
    await live(kept, { state: "absent", killedAt: 3 * MINUTE, act });
    assertEquals(kept.wasDraining, false);
    const second = await live(kept, { state: "healthy", killedAt: MINUTE });
    assertEquals(second.elb.at("RegisterTargets").length, 1);
  }
});

/** A drain, and `/register` after it. */
function undo(life: Life): void {
  void life.drainAt(DRAIN_AT);
  life.clock.at(2 * MINUTE, () => assertEquals(life.view.register(), "registering"));
}

Deno.test("what was kept is continued as a drain: not ready, and undone by /register", async () => {
  const kept = new Kept();
  kept.keep(true);
  const life = await live(kept, {
    state: "healthy",
    killedAt: 3 * MINUTE,
    act: (life) => {
      life.clock.at(SECOND, () => assertEquals(life.view.status().ready, false));
      life.clock.at(2 * MINUTE, () => {
        assertEquals(life.view.status().phase, "drained");
        life.view.register();
      });
    },
  });
  assertMatch(life.elb.order, /^find deregister poll/);
  assertEquals(life.elb.at("RegisterTargets", 0, 2 * MINUTE), []);
  assertEquals(life.elb.at("RegisterTargets").length, 1);
  assertEquals(kept.wasDraining, false);
});

Deno.test("a stop while a killed drain is continued still deregisters the target", async () => {
  const kept = new Kept();
  kept.keep(true);
  const life = await live(kept, {
    state: "healthy",
    killedAt: 20 * SECOND,
    act: (life) => life.stopAt(5),
  });
  assertEquals(life.elb.states.get("kafka"), "draining");
  assertEquals(life.elb.at("RegisterTargets"), []);
});

/** What finding the group comes to, the grace period, and when it ends after a stop at two minutes. */
const NOT_FOUND: Readonly<Record<string, readonly [string, boolean, string, number, number]>> = {
  "an API that does not answer": ["ServiceUnavailable", true, "0s", 29 * SECOND, 31 * SECOND],
  "the end of the grace period": ["ServiceUnavailable", true, "20s", 10 * SECOND, 20 * SECOND],
  "a denied call": ["AccessDenied", false, "0s", -2 * MINUTE, -MINUTE],
};
for (const [what, [code, retryable, grace, from, to]] of Object.entries(NOT_FOUND)) {
  Deno.test(`a drain that cannot be continued for ${what} leaves its target unconfirmed`, async () => {
    const stateFile = { wasDraining: true, keep: () => {} };
    const life = new Life({ args: [...ARGS, `-grace-period=${grace}`], stateFile });
    life.elb.states.set("kafka", "healthy");
    life.elb.failing = (call) => call === "DescribeTargetGroups" ? { code, retryable } : undefined;
    life.stopAt(2 * MINUTE);
    const { exit, message } = await life.run();
    assertEquals(exit, "deregistrationNotConfirmed", message);
    assertMatch(message, /^could not confirm .*: 10\.0\.0\.1 in kafka: /);
    const after = life.clock.now() - 2 * MINUTE;
    assert(after >= from && after <= to, `${after} ms`);
  });
}
