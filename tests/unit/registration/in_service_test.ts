/** The wait until a target is healthy, as a part of a lifecycle in virtual time. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TargetHealth } from "../../../lib/aws/elb.ts";
import { Life, MINUTE, SECOND } from "../lifecycle/_lifecycle.ts";

const target = { id: "10.0.0.1" };
const INITIAL = { target, state: "initial", reason: "Elb.RegistrationInProgress" };
const CHECKING = { target, state: "initial", reason: "Elb.InitialHealthChecking" };
const NOT_IN_USE = { target, state: "unused", reason: "Target.NotInUse" };

/** Lives with a target that is in these states from these moments on, and healthy in the end. */
async function waitWith(
  states: readonly (readonly [until: number, TargetHealth])[],
  ...args: readonly string[]
) {
  const life = new Life({ args }).stopAt(10 * MINUTE);
  life.elb.lie = () => states.find(([until]) => life.clock.now() < until)?.[1];
  const { message } = await life.run();
  return { life, message, polls: life.elb.at("DescribeTargetHealth") };
}

Deno.test("the wait polls by plan, ends with the first healthy answer, and logs each state once", async () => {
  const { life, polls } = await waitWith([[20 * SECOND, INITIAL], [30 * SECOND, CHECKING]]);
  // Three quarters of an interval, and then every 3 s.
  assertEquals(polls, Array.from({ length: 9 }, (_, at) => 7_520 + 3_010 * at));
  const logged = life.log.lines.filter((line) => line.includes("in service"))
    .map((line) => line.replace(/ \{.*"reason":"?(\w+\.\w+).*| \{.*/, " $1").trim());
  assertEquals(logged, [
    "info target is not in service yet Elb.RegistrationInProgress",
    "info target is not in service yet Elb.InitialHealthChecking",
    "info target is in service",
  ]);
});

Deno.test("the wait reports with the first answer what waiting cannot change, and waits", async () => {
  const { life } = await waitWith([[30 * SECOND, NOT_IN_USE]]);
  assertMatch(life.log.text, /warn .*add a listener[\s\S]*info target is in service/);
});

Deno.test("the wait polls once at least, however short its time is", async () => {
  const { life, polls } = await waitWith([], "-wait-in-service-timeout=2s");
  assertEquals(polls, [1_020]);
  assertMatch(life.log.text, /target is in service/);
});

Deno.test("with -require-in-service, a wait that fails ends the lifecycle, with the reason", async () => {
  const required = ["-require-in-service", "-wait-in-service-timeout=25s"];
  const late = await waitWith([[Infinity, INITIAL]], ...required);
  assertMatch(late.message, /not healthy after 25s: it is initial, Elb.RegistrationInProgress/);
  const denied = new Life({ args: required });
  denied.elb.failing = (call) =>
    call === "DescribeTargetHealth" ? { code: "AccessDenied", retryable: false } : undefined;
  assertMatch((await denied.run()).message, /DescribeTargetHealth: AccessDenied/);
  assertEquals(denied.elb.at("DescribeTargetHealth").length, 1, "a final error is final");
  const silent = new Life({ args: required });
  silent.elb.courses = { DescribeTargetHealth: [{}] };
  assertMatch((await silent.run()).message, /no DescribeTargetHealth call succeeded/);
  assertMatch(silent.log.text, /warn DescribeTargetHealth: no answer in 10s/);
  for (const { clock } of [late.life, silent]) assertEquals(Math.round(clock.now() / SECOND), 25);
});

Deno.test("the wait polls sooner after an error, but not after one that throttles", async () => {
  for (const [code, isSooner] of [["InternalFailure", true], ["Throttling", false]] as const) {
    const life = new Life().stopAt(10 * MINUTE);
    life.elb.failing = (call) =>
      call === "DescribeTargetHealth" && life.clock.now() < MINUTE
        ? { code, retryable: true }
        : undefined;
    await life.run();
    const polls = life.elb.at("DescribeTargetHealth");
    const gaps = polls.slice(1).map((at, before) => at - (polls[before] ?? 0));
    assertEquals(Math.min(...gaps) < SECOND, isSooner, `${gaps}`);
    // The first ones after the throttling are late, too, and then they come every 3 s again.
    if (!isSooner) assert(Math.max(...gaps) > 10 * SECOND && polls.length < 12, `${gaps}`);
  }
});
