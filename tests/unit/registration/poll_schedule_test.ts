import { assert, assertEquals } from "@std/assert";
import type { HealthCheck, TargetHealth } from "../../../lib/aws/elb.ts";
import {
  nextPollIn,
  observe,
  type ObservedState,
  throttledPollIn,
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

/** The seconds until the next poll. */
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
  assertEquals(after([10, UNHEALTHY])?.after, 0, "nobody saw it begin");
});

const TO_CHECKING = after([15, REGISTERING], [30, CHECKING]);
const TO_UNHEALTHY = after([45, CHECKING], [60, UNHEALTHY]);

/** What is known, the group's settings, and the gap at moments; all in seconds. */
const GAPS: readonly {
  readonly name: string;
  readonly known: ObservedState | undefined;
  readonly check: HealthCheck;
  readonly gaps: Readonly<Record<number, number>>;
}[] = [
  {
    name: "polls earlier at first where checks come every few seconds",
    ...{ known: undefined, check: settings(5), gaps: { 0: 2.5 } },
  },
  {
    name: "keeps up with an emulator that checks every second",
    ...{ known: after([3, REGISTERING]), check: settings(1), gaps: { 3: 1 } },
  },
  {
    name: "polls every 3 s where the target may turn healthy at any moment",
    ...{ known: after([40, REGISTERING]), check: settings(), gaps: { 40: 3, 400: 3 } },
  },
  {
    // No check was passed by 90 s; eight of them are not by 155 s.
    name: "is quiet where neither rule of load balancers allows for healthy, a minute at most",
    ...{ known: TO_CHECKING, check: settings(20, 8, 2) },
    gaps: { 30: 3, 89: 3, 90: 45, 115: 40, 155: 3 },
  },
  {
    // Not before 85 s.
    name: "is quiet after a failed check, until enough can have been passed",
    ...{ known: TO_UNHEALTHY, check: settings(10, 5), gaps: { 60: 25, 86: 3, 200: 3 } },
  },
  {
    name: "concludes nothing from a failed check that it did not see come",
    ...{ known: after([10, UNHEALTHY]), check: settings(30, 10), gaps: { 10: 3 } },
  },
  {
    name: "concludes nothing from checks that it did not see begin",
    ...{ known: after([10, CHECKING]), check: settings(30, 10), gaps: { 200: 3 } },
  },
  {
    name: "concludes nothing where one passed check may be enough",
    ...{ known: TO_UNHEALTHY, check: settings(30, 1), gaps: { 60: 3 } },
  },
  {
    name: "polls on, sparsely, where waiting does not help",
    ...{ known: after([20, NOT_IN_USE]), check: settings(), gaps: { 20: 15, 1_000: 15 } },
  },
];

for (const { name, known, check, gaps } of GAPS) {
  Deno.test(`nextPollIn() ${name}`, () => {
    for (const [now, expected] of Object.entries(gaps)) {
      assertEquals(gap(Number(now), known, check), expected, `at ${now} s`);
    }
  });
}

/** The moments at which a sidecar polls, in seconds, where every answer is the same. */
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
      const polls = moments(health, settings(interval), chance);
      const gaps = polls.map((now, at) => now - (polls[at - 1] ?? 0));
      assert(Math.max(...gaps) <= 15 + 1e-9, `${interval} s, ${health.state}: ${gaps}`);
      assert(Math.min(...gaps) >= 2, `${interval} s, ${health.state}: ${gaps}`);
    }
  }
});

Deno.test("a fleet that started at once, or was quiet together, does not poll in one moment", () => {
  const chance = generator(1);
  const sidecars = 1_000;
  const inSecond = new Map<number, number>();
  for (let one = 0; one < sidecars; one++) {
    for (const now of moments(REGISTERING, settings(), chance).map(Math.floor)) {
      inSecond.set(now, (inSecond.get(now) ?? 0) + 1);
    }
  }
  // Every 3 s, from moments that lie evenly in 7.5 s.
  assert(Math.max(...inSecond.values()) < sidecars * 3 / 7.5 * 1.35);
  const gaps = [0, 0.25, 0.5, 0.75].map((one) => gap(60, TO_UNHEALTHY, settings(10, 5), one));
  assertEquals(new Set(gaps).size, gaps.length);
});

Deno.test("throttledPollIn() doubles the pause, up to 30 s; and shortens it where healthy is likelier", () => {
  const pause = (now: number, throttles: number, chance = 0.5) =>
    throttledPollIn(3 * SECOND, now * SECOND, throttles, chance) / SECOND;
  assertEquals([0, 1, 2, 3, 4, 40].map((throttles) => pause(10, throttles)), [
    3,
    6,
    12,
    24,
    30,
    30,
  ]);
  assertEquals([60, 75, 120].map((now) => pause(now, 40)), [30, 30 / 1.25 ** 4, 3]);
  assertEquals([pause(10, 1, 0), pause(10, 1, 1)], [4.5, 7.5]);
  assertEquals(throttledPollIn(60 * SECOND, 180 * SECOND, 40, 0.5), 60 * SECOND);
});
