import { assert, assertEquals } from "@std/assert";
import type { HealthCheck, TargetHealth } from "../../../lib/aws/elb.ts";
import {
  nextPollIn,
  observe,
  type ObservedState,
} from "../../../lib/registration/poll_schedule.ts";
import { generator } from "../../emulator/faults.ts";

const SECOND = 1_000;
const target = { id: "10.0.0.1" };
const REGISTERING = { target, state: "initial", reason: "Elb.RegistrationInProgress" };
const CHECKING = { target, state: "initial", reason: "Elb.InitialHealthChecking" };
const UNHEALTHY = { target, state: "unhealthy", reason: "Target.FailedHealthChecks" };
const NOT_IN_USE = { target, state: "unused", reason: "Target.NotInUse" };

/** The settings of a new group, unless others are given. */
function settings(intervalSeconds = 30, healthyThreshold = 5, unhealthyThreshold = 2): HealthCheck {
  return { enabled: true, intervalSeconds, healthyThreshold, unhealthyThreshold };
}

/** What is known after answers at these moments, in seconds. */
function after(...answers: readonly [number, TargetHealth][]): ObservedState | undefined {
  return answers.reduce(
    (known: ObservedState | undefined, [at, health]) => observe(known, health, at * SECOND),
    undefined,
  );
}

/** The seconds until the next question. */
function gap(
  now: number,
  known: ObservedState | undefined,
  check: HealthCheck = settings(),
  chance = 0,
): number {
  return nextPollIn(check, now * SECOND, known, chance) / SECOND;
}

Deno.test("observe() knows between which answers a state began, and when it was last seen", () => {
  const known = after([10, REGISTERING], [25, REGISTERING], [40, CHECKING], [50, CHECKING]);
  assertEquals(known, {
    health: CHECKING,
    after: 25 * SECOND,
    by: 40 * SECOND,
    last: 50 * SECOND,
  });
});

Deno.test("observe() of a first answer does not claim that the state was seen to begin", () => {
  assertEquals(after([10, UNHEALTHY])?.after, 0);
});

Deno.test("nextPollIn() lets the first question wait for half of 15 s to all of it", () => {
  assertEquals([0, 0.5, 0.999].map((chance) => gap(0, undefined, settings(), chance)), [
    7.5,
    11.25,
    14.9925,
  ]);
});

Deno.test("nextPollIn() asks earlier at first where checks come every few seconds", () => {
  assertEquals(gap(0, undefined, settings(5)), 2.5);
});

Deno.test("nextPollIn() keeps up with an emulator that checks every second", () => {
  assertEquals(gap(3, after([3, REGISTERING]), settings(1)), 3);
  assertEquals(gap(3, after([3, CHECKING]), settings(1)), 1);
});

Deno.test("nextPollIn() asks sparsely while the target is being registered", () => {
  assertEquals(gap(40, after([40, REGISTERING])), 15);
});

Deno.test("nextPollIn() asks closely while the first check is due", () => {
  const known = after([15, REGISTERING], [30, CHECKING]);
  assertEquals([5, 10, 30].map((interval) => gap(30, known, settings(interval))), [
    Math.sqrt(20),
    Math.sqrt(40),
    Math.sqrt(120),
  ]);
  assert(gap(61, known, settings(30, 10, 9)) > gap(59, known, settings(30, 10, 9)));
});

Deno.test("nextPollIn() asks closely again while the last of the needed checks is due", () => {
  const known = after([15, REGISTERING], [30, CHECKING]);
  const check = settings(10, 8, 9); // so the last is due from 85 s to 110 s
  assertEquals([60, 86, 109, 111].map((now) => gap(now, known, check)), [
    15,
    Math.sqrt(40),
    Math.sqrt(40),
    15,
  ]);
});

Deno.test("nextPollIn() does not sleep into a time that is likely", () => {
  const known = after([15, REGISTERING], [30, CHECKING]);
  assertEquals(gap(75, known, settings(10, 8, 9)), 10);
});

Deno.test("nextPollIn() is quiet where neither rule of load balancers allows for healthy", () => {
  const known = after([15, REGISTERING], [30, CHECKING]);
  const check = settings(20, 8, 2); // no check was passed by 90 s; eight of them are not by 155 s
  assertEquals(gap(89, known, check), 15);
  assertEquals(gap(115, known, check), 40);
  assertEquals(gap(90, known, check), 45, "not longer than a minute, less the jitter");
});

Deno.test("nextPollIn() is quiet after a failed check, until enough can have been passed", () => {
  const known = after([45, CHECKING], [60, UNHEALTHY]);
  const check = settings(10, 5); // not before 85 s
  assertEquals(gap(60, known, check), 25);
  assertEquals(gap(86, known, check), Math.sqrt(40));
  assertEquals(gap(200, known, check), 15);
});

Deno.test("nextPollIn() concludes nothing from a state that it did not see begin", () => {
  assertEquals(gap(10, after([10, UNHEALTHY]), settings(30, 10)), 15);
  assertEquals(gap(200, after([10, CHECKING]), settings(30, 10)), 15);
});

Deno.test("nextPollIn() concludes nothing where one passed check may be enough", () => {
  const unknown = settings(30, 1);
  assertEquals(gap(60, after([45, CHECKING], [60, UNHEALTHY]), unknown), Math.sqrt(120));
  assertEquals(gap(200, after([45, REGISTERING], [60, CHECKING]), unknown), 15);
});

Deno.test("nextPollIn() asks on, sparsely, where waiting does not help", () => {
  assertEquals([20, 1_000].map((now) => gap(now, after([20, NOT_IN_USE]))), [15, 15]);
});

/** The moments at which a sidecar asks, in seconds, where every answer is the same. */
function moments(health: TargetHealth, check: HealthCheck, chance: () => number): number[] {
  const all: number[] = [];
  let known: ObservedState | undefined;
  for (let now = 0; now < 300; all.push(now)) {
    now += gap(now, known, check, chance());
    known = observe(known, health, now * SECOND);
  }
  return all;
}

Deno.test("nextPollIn() leaves no more than 15 s unless something was seen to exclude it", () => {
  const chance = generator(1);
  for (let interval = 5; interval <= 300; interval += 5) {
    for (const health of [REGISTERING, CHECKING, UNHEALTHY, NOT_IN_USE]) {
      const asked = moments(health, settings(interval), chance);
      const gaps = asked.map((now, at) => now - (asked[at - 1] ?? 0));
      assert(Math.max(...gaps) <= 15 + 1e-9, `${interval} s, ${health.state}: ${gaps}`);
      assert(Math.min(...gaps) >= 2, `${interval} s, ${health.state}: ${gaps}`);
    }
  }
});

Deno.test("a fleet that started at once does not ask in one moment, then or later", () => {
  const chance = generator(1);
  const sidecars = 5_000;
  const inSecond = new Array<number>(330).fill(0);
  for (let one = 0; one < sidecars; one++) {
    for (const now of moments(REGISTERING, settings(), chance)) {
      const second = Math.floor(now);
      inSecond[second] = (inSecond[second] ?? 0) + 1;
    }
  }
  // Evenly over half of each 15 s: two fifteenths.
  assert(Math.max(...inSecond) < sidecars * 2 / 15 * 1.15, `${Math.max(...inSecond)}`);
});

Deno.test("a fleet that was quiet together does not end that in one moment", () => {
  const known = after([45, CHECKING], [60, UNHEALTHY]);
  for (const check of [settings(10, 5), settings(60, 10)]) {
    const gaps = [0, 0.25, 0.5, 0.75].map((chance) => gap(60, known, check, chance));
    assertEquals(new Set(gaps).size, gaps.length);
  }
});
