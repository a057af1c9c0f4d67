/** What becomes of a registration, by what becomes of its calls: how many calls, and how long. */
import { assertEquals } from "@std/assert";
import type { TargetHealth } from "../../../lib/aws/elb.ts";
import type { ExitName } from "../../../lib/host/exit.ts";
import type { Course, State } from "../fake_load_balancer.ts";
import { Life, SECOND } from "../lifecycle/_lifecycle.ts";

const WELL: Course = { appliedAfter: 10, answeredAfter: 20 };
const SILENT: Course = {};
const THROTTLED: Course = { answeredAfter: 20, error: { effect: "none" } };
const REFUSED = refused("AccessDenied");

function refused(code: string): Course {
  return { answeredAfter: 20, error: { code, effect: "none", retryable: false } };
}

const NO_LISTENER: TargetHealth = {
  ...{ target: { id: "10.0.0.1" }, state: "unused", reason: "Target.NotInUse" },
};

/** How the calls go, and what comes of it. The simulation draws all others. */
interface Case {
  readonly name: string;
  readonly register?: Course[];
  readonly deregister?: Course[];
  readonly poll?: Course[];
  readonly args?: readonly string[];
  /** When the sidecar is stopped; by default after a minute. */
  readonly stopAt?: number;
  /** What polls answer from then on, whatever is true. */
  readonly lie?: TargetHealth;
  /** All calls, in order. */
  readonly calls?: string;
  readonly exit?: ExitName;
  /** Where the target is, when all that was on its way has arrived. */
  readonly state?: State;
  /** How long deregistering took. */
  readonly took?: number;
}

const CASES: readonly Case[] = [
  { name: "with all answers seen, two calls are enough", calls: "register deregister", took: 20 },
  {
    name: "at a stop in flight, DeregisterTargets goes out at once, and again after the answer",
    ...{ register: [{ appliedAfter: 3_900, answeredAfter: 4_000 }], stopAt: SECOND },
    calls: "register deregister deregister",
    took: 3_030,
  },
  {
    name: "a refusal in flight needs no second call",
    register: [{ answeredAfter: 4_000, error: { effect: "none" } }],
    stopAt: SECOND,
    calls: "register deregister",
    state: "absent",
  },
  {
    name: "where no answer comes, the last call is DeregisterTargets, when the doubt is over",
    ...{ register: [SILENT], stopAt: SECOND, state: "absent", took: 14_030 },
    calls: "register deregister poll poll poll poll deregister",
  },
  {
    // The call is given up after 10 s, so that it can be confirmed after 15 s, not after 13 s.
    name: "the settle time comes on top of the time for deregistering",
    ...{ register: [SILENT], stopAt: SECOND, args: ["-deregister-timeout=12s"], state: "absent" },
  },
  {
    name: "long after the doubt, two calls are enough again",
    ...{ register: [SILENT, WELL], calls: "register register deregister" },
  },
  {
    name: "refused by the API, there is nothing to take back",
    ...{ register: [REFUSED], calls: "register", exit: "notRegistered", state: "absent" },
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
  ...[THROTTLED, REFUSED].map((course): Case => ({
    name: `DeregisterTargets without success (${course.error?.code ?? "throttled"}) ends in time`,
    deregister: [course],
    args: ["-deregister-timeout=30s"],
    ...{ exit: "deregistrationNotConfirmed", state: "healthy", took: 30_000 },
  })),
  {
    name: "a group that was deleted holds no target",
    ...{ deregister: [refused("TargetGroupNotFound")], poll: [refused("TargetGroupNotFound")] },
    ...{ calls: "register deregister poll", state: "healthy" },
  },
  {
    name: "a target that the API calls invalid is not registered",
    ...{ deregister: [SILENT], poll: [refused("InvalidTarget")], state: "healthy" },
    calls: "register deregister poll",
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
    name: "a target that is unused as there is no listener is registered still",
    ...{ deregister: [SILENT], lie: NO_LISTENER, args: ["-deregister-timeout=30s"] },
    ...{ exit: "deregistrationNotConfirmed", state: "healthy" },
  },
];

for (const one of CASES) {
  Deno.test(`registering, then deregistering: ${one.name}`, async () => {
    const { register = [WELL], deregister = [WELL], poll = [WELL], stopAt = 60 * SECOND } = one;
    const life = new Life({ args: ["-wait-in-service=false", ...one.args ?? []] }).stopAt(stopAt);
    const { clock, elb } = life;
    elb.delay = Infinity;
    elb.courses = {
      ...{ RegisterTargets: register, DeregisterTargets: deregister, DescribeTargetHealth: poll },
    };
    clock.at(stopAt, () => elb.lie = () => one.lie);
    assertEquals((await life.run()).exit, one.exit ?? "done");
    if (one.took !== undefined) assertEquals(clock.now() - stopAt, one.took);
    if (one.calls !== undefined) assertEquals(elb.order, `find ${one.calls}`);
    await clock.pass(120 * SECOND);
    assertEquals(elb.states.get("kafka"), one.state ?? "draining");
  });
}
