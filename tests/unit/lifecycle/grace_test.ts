/** Whatever takes all of its time after a stop: the pod's grace period has enough for the rest. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HookOutcome } from "../../../lib/hooks/hook.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { Life, MINUTE, SECOND, secondOf } from "./_lifecycle.ts";

const HOUR = 60 * MINUTE;

/** What takes all of its time, what is kept back for what follows, and what it gets at least. */
const STEPS = [
  { step: "pre-deregister", reserve: 5, least: 0 },
  { step: "deregistering", reserve: 2, least: 2 },
  { step: "draining", reserve: 5, least: 0 },
  { step: "post-deregister", reserve: 1, least: 0 },
] as const;

/** Every step may take ten minutes by itself. */
const LONG = [
  ...["pre-deregister", "deregister", "post-deregister", "wait-drained"].map((step) =>
    `-${step}-timeout=10m`
  ),
  ...["-wait-drained", "-min-drain-time=0s"],
];

/** A life that is stopped at one hour, in which a step takes all of its time from then on. */
function hanging(step: string, grace: number) {
  const timeouts: Record<string, readonly [at: number, timeout: number | undefined]> = {};
  const life: Life = new Life({
    args: [...LONG, `-grace-period=${grace}s`],
    hook: async (event, timeout): Promise<HookOutcome> => {
      timeouts[event] = [life.clock.now() - HOUR, timeout];
      if (event !== step || life.clock.now() < HOUR) return { outcome: "succeeded" };
      await sleep(life.clock.within(timeout ?? Infinity));
      return { outcome: "timed-out" };
    },
  });
  life.elb.delay = 0;
  life.clock.at(HOUR, () => {
    if (step === "draining") life.elb.delay = HOUR;
    if (step === "deregistering") life.elb.courses = { DeregisterTargets: [{}] };
  });
  return { life, timeouts };
}

for (const { step, reserve, least } of STEPS) {
  for (const earlier of ["no drain", "a drain and a return"]) {
    Deno.test(`-grace-period after ${earlier}: ${step} that takes all its time leaves ${reserve} s`, async () => {
      for (const grace of [1, 4, 8, 20, 60, 300]) {
        const { life, timeouts } = hanging(step, grace);
        if (earlier !== "no drain") {
          life.drainAt(MINUTE);
          life.clock.at(10 * MINUTE, () => life.view.register());
        }
        const { exit } = await life.stopAt(HOUR).run();
        assertEquals(exit, step === "deregistering" ? "deregistrationNotConfirmed" : "done");
        const took = secondOf(life.clock.now() - HOUR);
        assertEquals(took, Math.max(least, grace - reserve), `of ${grace} s`);
        assertEquals(life.elb.at("DeregisterTargets", HOUR).length > 0, true);
        const [at, timeout] = timeouts["post-deregister"] ?? [0, 0];
        assertEquals(timeout, Math.max(0, (grace - 1) * SECOND - at), "the last hook's");
      }
    });
  }
}

Deno.test("-grace-period: a step that is cut by more than half is warned of, once for each", async () => {
  const { life } = hanging("draining", 60);
  await life.stopAt(HOUR).run();
  const cut = life.log.lines.filter((line) => line.includes("shortened a step"));
  assert(cut.length >= 3, life.log.text);
  for (const line of cut) {
    const [, level, left = ""] = /^(\w+) .*"left":"([\d.]+)s"/.exec(line) ?? [];
    assertEquals([level, Number(left) <= 60], ["warn", true], line);
  }
  const { life: roomy } = hanging("draining", 599);
  await roomy.stopAt(HOUR).run();
  const noted = roomy.log.lines.filter((line) => line.includes("shortened a step"));
  // By seconds only, but for the last hook: the drain has left it next to nothing.
  assertEquals(noted.map((line) => line.split(" ")[0]), ["debug", "debug", "debug", "warn"]);
  // Half of ten minutes, and 5 s that are kept back.
  const { life: half } = hanging("pre-deregister", 305);
  await half.stopAt(HOUR).run();
  assertMatch(half.log.text, /debug shortened a step to fit .*"step":"10m0s","left":"5m0s"/);
});
