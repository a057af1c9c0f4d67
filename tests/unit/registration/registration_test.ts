/** Registering and deregistering one target in virtual time, whatever becomes of the calls. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { TargetHealth } from "../../../lib/aws/elb.ts";
import type { ApiCall } from "../../../lib/aws/errors.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { Registration } from "../../../lib/registration/registration.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { arnOf, type Course, FakeLoadBalancer, type State } from "../fake_load_balancer.ts";
import { KeptLog } from "../kept_log.ts";

const SECOND = 1_000;
const target = { id: "10.0.0.1" };
const group = {
  arn: arnOf("kafka"),
  name: "kafka",
  healthCheck: { enabled: true, intervalSeconds: 30, healthyThreshold: 5, unhealthyThreshold: 2 },
};

const WELL: Course = { appliedAfter: 10, answeredAfter: 20 };
const SILENT: Course = {};
const LOST: Course = { answeredAfter: 20, error: {} };
const THROTTLED: Course = { answeredAfter: 20, error: { effect: "none" } };
const REFUSED = refused("AccessDenied");

function refused(code: string): Course {
  return { answeredAfter: 20, error: { code, effect: "none", retryable: false } };
}

const NOT_REGISTERED: TargetHealth = { target, state: "unused", reason: "Target.NotRegistered" };

/** What is told to the registration, and what comes of it. */
interface Case {
  readonly name: string;
  readonly register?: Course[];
  readonly deregister?: Course[];
  readonly poll?: Course[];
  /** When the sidecar is stopped. */
  readonly stopAt?: number;
  /** What polls answer from then on, whatever is true. */
  readonly lie?: TargetHealth;
  /** `-deregister-timeout`. */
  readonly timeout?: number;
  /** All calls, in order; left out: not looked at. */
  readonly calls?: string;
  /** What is known in the end; by default that the target is deregistered. */
  readonly membership?: "absent" | "unknown";
  /** What is true in the end; by default that it is deregistered. */
  readonly state?: State;
  /** How long after the stop it is known. */
  readonly took?: number;
}

const IN_FLIGHT: Course = { appliedAfter: 3 * SECOND, answeredAfter: 4 * SECOND };

const CASES: readonly Case[] = [
  { name: "with all answers seen, two calls are enough", calls: "register deregister" },
  {
    name: "at a stop in flight, DeregisterTargets goes out at once, and again after the answer",
    ...{ register: [IN_FLIGHT], stopAt: SECOND },
    calls: "register deregister deregister",
    took: 3 * SECOND + 20,
  },
  {
    name: "a refusal in flight needs no second call",
    register: [{ answeredAfter: 4 * SECOND, error: { effect: "none" } }],
    stopAt: SECOND,
    calls: "register deregister",
    state: "absent",
  },
  ...[2, 9, 10.5, 12, 14.9].map((seconds) => ({
    name: `unanswered, and applied after ${seconds} s, it is taken back`,
    register: [{ appliedAfter: seconds * SECOND }],
    stopAt: SECOND,
  })),
  {
    name: "where no answer comes, the last call is DeregisterTargets, when the doubt is over",
    ...{ register: [SILENT], stopAt: SECOND, state: "absent" as const, took: 14 * SECOND + 20 },
    calls: "register deregister poll poll poll poll deregister",
  },
  {
    name: "applied late, and replies out of date",
    register: [{ appliedAfter: 14.9 * SECOND }],
    ...{ stopAt: SECOND, lie: NOT_REGISTERED },
  },
  {
    name: "a reply that is slow to come tells of the time before the request",
    ...{ deregister: [LOST, WELL], poll: [{ answeredAfter: 8 * SECOND }] },
    ...{ stopAt: 100, lie: NOT_REGISTERED },
  },
  {
    // Given up after 10 s, applied in the 15th; deregistering, in the 16th, a reply out of date.
    name: "an answered attempt does not settle what an earlier one left in doubt",
    register: [{ appliedAfter: 14.9 * SECOND }, WELL],
    ...{ deregister: [LOST, WELL], stopAt: 16 * SECOND, lie: NOT_REGISTERED },
  },
  {
    name: "right after registering, 'draining' may be of the container before",
    ...{ deregister: [LOST, WELL], stopAt: 100, lie: { target, state: "draining" } },
  },
  {
    name: "right after registering, 'not registered' is no proof",
    ...{ deregister: [LOST, WELL], stopAt: 100, lie: NOT_REGISTERED },
  },
  {
    name: "an earlier attempt without an answer counts, whatever the later one's answer",
    ...{ register: [{ appliedAfter: 14 * SECOND }, WELL], stopAt: 11 * SECOND },
  },
  {
    name: "lost without an answer, then stopped before the next try",
    register: [{ appliedAfter: 10, answeredAfter: 20, error: {} }],
    stopAt: 25,
  },
  {
    // The call is given up after 10 s, so that it can be confirmed after 15 s, not after 13 s.
    name: "the settle time comes on top of the time for deregistering",
    ...{ register: [SILENT], stopAt: SECOND, timeout: 12 * SECOND, state: "absent" as const },
  },
  {
    name: "long after the doubt, two calls are enough again",
    ...{ register: [SILENT, WELL], calls: "register register deregister" },
  },
  {
    name: "refused by the API, there is nothing to take back",
    ...{ register: [REFUSED], calls: "register", membership: "absent", state: "absent" },
  },
  {
    name: "throttled for ever, there is nothing to take back",
    ...{ register: [THROTTLED], stopAt: 90 * SECOND, membership: "absent", state: "absent" },
  },
  {
    name: "DeregisterTargets that is applied and never answered is seen as done",
    ...{ deregister: [{ appliedAfter: 10 }], calls: "register deregister poll" },
  },
  {
    name: "DeregisterTargets that is lost is sent again",
    ...{ deregister: [SILENT, WELL], calls: "register deregister poll deregister" },
  },
  {
    name: "throttled DeregisterTargets is just sent again",
    deregister: [THROTTLED, THROTTLED, WELL],
    calls: "register deregister deregister deregister",
  },
  { name: "refused once, DeregisterTargets is sent again", deregister: [REFUSED, WELL] },
  ...[THROTTLED, REFUSED].map((course) => ({
    name: `DeregisterTargets without success (${course.error?.code ?? "throttled"}) ends in time`,
    deregister: [course],
    ...{ membership: "unknown", state: "healthy", took: 30 * SECOND } as const,
  })),
  {
    name: "a group that was deleted holds no target",
    ...{ deregister: [refused("TargetGroupNotFound")], poll: [refused("TargetGroupNotFound")] },
    ...{ calls: "register deregister poll", state: "healthy" },
  },
  {
    name: "a group that was deleted is proof where DescribeTargetHealth is denied",
    ...{ deregister: [refused("TargetGroupNotFound")], poll: [REFUSED] },
    ...{ calls: "register deregister poll", state: "healthy", took: 40 },
  },
  {
    name: "a group that is said to be deleted, and is not, keeps nothing",
    deregister: [refused("TargetGroupNotFound"), WELL],
  },
  {
    name: "'unused' because no listener is there is registered still",
    ...{ deregister: [SILENT], lie: { target, state: "unused", reason: "Target.NotInUse" } },
    ...{ membership: "unknown", state: "healthy" },
  },
];

for (const one of CASES) {
  Deno.test(`Registration: ${one.name}`, async () => {
    const { register = [WELL], deregister = [WELL], poll = [WELL], stopAt = 60 * SECOND } = one;
    const { elb, registration, took } = await play(one, {
      ...{ RegisterTargets: register, DeregisterTargets: deregister, DescribeTargetHealth: poll },
    }, stopAt);
    assertEquals(registration.membership.at, one.membership ?? "draining");
    assertEquals(elb.states.get("kafka"), one.state ?? "draining");
    if (one.calls !== undefined) assertEquals(elb.order, one.calls);
    if (one.took !== undefined) assertEquals(took, one.took);
    assert((elb.at("RegisterTargets").at(-1) ?? 0) <= 60 * SECOND, "within -register-timeout");
  });
}

/** Registers, stops at a moment, deregisters, and lets every late application happen. */
async function play(
  { lie, timeout = 30 * SECOND }: Case,
  courses: Partial<Record<ApiCall, Course[]>>,
  stopAt: number,
) {
  const clock = new VirtualClock();
  const elb = new FakeLoadBalancer(clock);
  Object.assign(elb, { courses, delay: Infinity });
  const times = { register: 60 * SECOND, deregister: timeout, confirmSettle: 5 * SECOND };
  const options = { elb: limited(elb, clock), clock, log: new KeptLog(), times };
  const registration = new Registration({ group, target }, options);
  const stop = new AbortController();
  clock.at(stopAt, () => {
    elb.lie = () => lie;
    stop.abort(new Error("stop"));
  });
  const pass = (time: number) =>
    new Promise((resolve) => clock.within(time).addEventListener("abort", resolve));
  let took = 0;
  await clock.run((async () => {
    await registration.register(stop.signal).catch(() => {});
    await pass(Math.max(0, stopAt - clock.now()));
    await registration.deregister();
    took = clock.now() - stopAt;
    await pass(120 * SECOND);
  })());
  return { elb, registration, took };
}

Deno.test("Registration: a stop before anything was sent makes no call", async () => {
  const clock = new VirtualClock();
  const elb = new FakeLoadBalancer(clock);
  const times = { register: SECOND, deregister: SECOND, confirmSettle: SECOND };
  const options = { elb, clock, log: new KeptLog(), times };
  const registration = new Registration({ group, target }, options);
  const stopped = AbortSignal.abort(new Error("stop"));
  await clock.run(assertRejects(() => registration.register(stopped), Error, "stop"));
  await clock.run(registration.deregister());
  assertEquals([elb.order, registration.membership.at], ["", "absent"]);
});
