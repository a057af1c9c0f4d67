import { assert, assertEquals, assertRejects } from "@std/assert";
import type { CallOptions, ElasticLoadBalancing, TargetHealth } from "../../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../../lib/aws/errors.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { type Membership, Registration } from "../../../lib/registration/registration.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

const SECOND = 1_000;
const target = { id: "10.0.0.1" };
const group = {
  arn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123456789abcdef",
  name: "kafka",
  healthCheck: { enabled: true, intervalSeconds: 30, healthyThreshold: 5, unhealthyThreshold: 2 },
};

/** How one call goes: its times in milliseconds from when it is sent. */
interface Course {
  /** When it is applied; left out: never. */
  readonly appliedAfter?: number;
  /** When the client gets an answer; left out: never. */
  readonly answeredAfter?: number;
  /** The answer, where that is a fault. */
  readonly fault?: Partial<ApiError>;
}

const WELL: Course = { appliedAfter: 10, answeredAfter: 20 };
const SILENT: Course = {};

/** A load balancer in virtual time whose calls go as they are told to. */
class ScriptedLoadBalancer implements ElasticLoadBalancing {
  readonly calls: { call: string; at: number }[] = [];
  /** The state as the API sees it. */
  state: "absent" | "healthy" | "draining" = "absent";
  /** What DescribeTargetHealth says instead of the truth. */
  lie: TargetHealth | undefined;
  readonly #clock: VirtualClock;
  readonly #courses: Partial<Record<ApiCall, Course[]>>;

  constructor(clock: VirtualClock, courses: Partial<Record<ApiCall, Course[]>>) {
    this.#clock = clock;
    this.#courses = courses;
  }

  get order(): string[] {
    return this.calls.map(({ call }) => call);
  }

  describeTargetGroups(): Promise<never> {
    throw new Error("not part of a registration");
  }

  deregistrationDelay(): Promise<never> {
    throw new Error("not part of a registration");
  }

  registerTarget(_arn: string, _target: unknown, options: CallOptions): Promise<void> {
    return this.#call("RegisterTargets", options, () => this.state = "healthy");
  }

  deregisterTarget(_arn: string, _target: unknown, options: CallOptions): Promise<void> {
    return this.#call("DeregisterTargets", options, () => {
      if (this.state === "healthy") this.state = "draining";
    });
  }

  async describeTargetHealth(
    _arn: string,
    _target: unknown,
    options: CallOptions,
  ): Promise<TargetHealth> {
    await this.#call("DescribeTargetHealth", options, () => {});
    if (this.lie) return this.lie;
    return this.state === "absent"
      ? { target, state: "unused", reason: "Target.NotRegistered" }
      : { target, state: this.state };
  }

  /** The last course of a call's list is that of all later calls too. */
  async #call(call: ApiCall, { signal, onSend }: CallOptions, apply: () => void): Promise<void> {
    signal.throwIfAborted();
    const courses = this.#courses[call] ?? [WELL];
    const course = (courses.length > 1 ? courses.shift() : courses[0]) ?? WELL;
    const now = this.#clock.now();
    this.calls.push({ call, at: now });
    onSend?.();
    if (course.appliedAfter !== undefined) this.#clock.at(now + course.appliedAfter, apply);
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (course.answeredAfter === undefined) return;
      this.#clock.at(now + course.answeredAfter, () => {
        if (course.fault === undefined) return resolve();
        reject(
          new ApiError("scripted", {
            call,
            code: "Scripted",
            retryable: true,
            effect: "unknown",
            ...course.fault,
          }),
        );
      });
    });
  }
}

interface Run {
  readonly membership: Membership;
  readonly elb: ScriptedLoadBalancer;
  readonly tookAfterStop: number;
  readonly log: KeptLog;
}

/** Registers, stops at a moment, leaves, and lets every late application happen. */
async function run(
  courses: Partial<Record<ApiCall, Course[]>>,
  { stopAt = 60 * SECOND, lie, deregister = 30 * SECOND }: {
    stopAt?: number;
    lie?: TargetHealth;
    deregister?: number;
  } = {},
): Promise<Run> {
  const clock = new VirtualClock();
  const elb = new ScriptedLoadBalancer(clock, courses);
  const log = new KeptLog();
  const times = { register: 60 * SECOND, deregister, confirmSettle: 5 * SECOND };
  const registration = new Registration({ group, target }, {
    elb: limited(elb, clock),
    clock,
    log,
    times,
  });
  const stop = new AbortController();
  clock.at(stopAt, () => {
    elb.lie = lie;
    stop.abort(new Error("stop"));
  });
  let tookAfterStop = 0;
  await clock.run((async () => {
    await registration.register(stop.signal).catch(() => {});
    if (!stop.signal.aborted) {
      await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    }
    await registration.deregister();
    tookAfterStop = clock.now() - stopAt;
    await new Promise((resolve) => clock.within(120 * SECOND).addEventListener("abort", resolve));
  })());
  return { membership: registration.membership, elb, tookAfterStop, log };
}

Deno.test("Registration: with all answers seen, two calls are enough", async () => {
  const { membership, elb } = await run({});
  assertEquals(elb.order, ["RegisterTargets", "DeregisterTargets"]);
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: a stop before anything was sent makes no call", async () => {
  const clock = new VirtualClock();
  const elb = new ScriptedLoadBalancer(clock, {});
  const times = { register: SECOND, deregister: SECOND, confirmSettle: SECOND };
  const options = { elb: limited(elb, clock), clock, log: new KeptLog(), times };
  const registration = new Registration({ group, target }, options);
  const stopped = AbortSignal.abort(new Error("stop"));
  await clock.run(assertRejects(() => registration.register(stopped), Error, "stop"));
  await clock.run(registration.deregister());
  assertEquals(elb.order, []);
  assertEquals(registration.membership.at, "absent");
});

Deno.test("Registration: at a stop in flight, DeregisterTargets goes out at once", async () => {
  const { membership, elb } = await run(
    { RegisterTargets: [{ appliedAfter: 3 * SECOND, answeredAfter: 4 * SECOND }] },
    { stopAt: SECOND },
  );
  assertEquals(elb.calls.slice(0, 2), [
    { call: "RegisterTargets", at: 0 },
    { call: "DeregisterTargets", at: SECOND },
  ]);
  assertEquals(membership.at, "draining");
  assertEquals(elb.state, "draining", "the late registration was taken back");
});

Deno.test("Registration: an answer that comes in time saves the settle time", async () => {
  const { elb, tookAfterStop } = await run(
    { RegisterTargets: [{ appliedAfter: 3 * SECOND, answeredAfter: 4 * SECOND }] },
    { stopAt: SECOND },
  );
  assertEquals(elb.order, ["RegisterTargets", "DeregisterTargets", "DeregisterTargets"]);
  assertEquals(tookAfterStop, 3 * SECOND + 20);
});

Deno.test("Registration: a refusal that comes in time needs no second look", async () => {
  const { membership, elb } = await run(
    { RegisterTargets: [{ answeredAfter: 4 * SECOND, fault: { effect: "none" } }] },
    { stopAt: SECOND },
  );
  assertEquals(elb.order, ["RegisterTargets", "DeregisterTargets"]);
  assertEquals(membership.at, "draining");
});

for (const appliedAfter of [2, 9, 10.5, 12, 14.9].map((seconds) => seconds * SECOND)) {
  Deno.test(`Registration: unanswered and applied after ${appliedAfter} ms is taken back`, async () => {
    const { membership, elb } = await run(
      { RegisterTargets: [{ appliedAfter }] },
      { stopAt: SECOND },
    );
    assertEquals(membership.at, "draining");
    assert(elb.state !== "healthy", "left behind");
  });
}

Deno.test("Registration: where no answer comes, it looks more than once over the settle time", async () => {
  const { elb } = await run({ RegisterTargets: [SILENT] }, { stopAt: SECOND });
  const looks = elb.calls.filter(({ call }) => call === "DescribeTargetHealth");
  assert(looks.length >= 3, `${looks.length} looks`);
});

Deno.test("Registration: where no answer comes, the last word is a DeregisterTargets call", async () => {
  const { membership, elb } = await run({ RegisterTargets: [SILENT] }, { stopAt: SECOND });
  const givenUpAt = 10 * SECOND;
  assertEquals(elb.calls.at(-1), { call: "DeregisterTargets", at: givenUpAt + 5 * SECOND });
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: applied late, and replies out of date: taken back all the same", async () => {
  const { membership, elb } = await run({ RegisterTargets: [{ appliedAfter: 14.9 * SECOND }] }, {
    stopAt: SECOND,
    lie: { target, state: "unused", reason: "Target.NotRegistered" },
  });
  assertEquals(membership.at, "draining");
  assertEquals(elb.state, "draining");
});

Deno.test("Registration: a reply that is slow to come tells of the time before the question", async () => {
  const lost = { answeredAfter: 20, fault: {} };
  const slow = { answeredAfter: 8 * SECOND };
  const { membership, elb } = await run(
    { DeregisterTargets: [lost, WELL], DescribeTargetHealth: [slow] },
    { stopAt: 100, lie: { target, state: "unused", reason: "Target.NotRegistered" } },
  );
  assertEquals(elb.state, "draining", "the second DeregisterTargets was needed");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: an answered attempt does not settle what an earlier one left in doubt", async () => {
  // Given up after 10 s, applied in the 15th; leaving, in the 16th, a reply that is out of date.
  const lost = { answeredAfter: 20, fault: {} };
  const { membership, elb } = await run({
    RegisterTargets: [{ appliedAfter: 14.9 * SECOND }, WELL],
    DeregisterTargets: [lost, WELL],
  }, {
    stopAt: 16 * SECOND,
    lie: { target, state: "unused", reason: "Target.NotRegistered" },
  });
  assertEquals(elb.state, "draining", "the second DeregisterTargets was needed");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: right after registering, 'draining' may be of the life before", async () => {
  const lost = { answeredAfter: 20, fault: {} };
  const { membership, elb } = await run({ DeregisterTargets: [lost, WELL] }, {
    stopAt: 100,
    lie: { target, state: "draining" },
  });
  assertEquals(elb.state, "draining");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: an earlier attempt without an answer counts, a later one's answer or not", async () => {
  const { membership, elb } = await run({
    RegisterTargets: [{ appliedAfter: 14 * SECOND }, WELL],
  }, { stopAt: 11 * SECOND });
  assertEquals(membership.at, "draining");
  assert(elb.state !== "healthy", "left behind");
});

Deno.test("Registration: lost without an answer, then stopped before the next try, is taken back", async () => {
  const lost = { appliedAfter: 10, answeredAfter: 20, fault: {} };
  const { membership, elb } = await run({ RegisterTargets: [lost] }, { stopAt: 25 });
  assertEquals(elb.order.slice(0, 2), ["RegisterTargets", "DeregisterTargets"]);
  assertEquals(elb.state, "draining");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: the settle time comes on top of the time for deregistering", async () => {
  // The call is given up after 10 s, so that it can be confirmed after 15 s, not after 13 s.
  const { membership } = await run({ RegisterTargets: [SILENT] }, {
    stopAt: SECOND,
    deregister: 12 * SECOND,
  });
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: long after the doubt, two calls are enough again", async () => {
  const { elb } = await run({ RegisterTargets: [SILENT, WELL] });
  assertEquals(elb.order, ["RegisterTargets", "RegisterTargets", "DeregisterTargets"]);
});

Deno.test("Registration: refused by the API is not registered: nothing to take back", async () => {
  const refused = { answeredAfter: 20, fault: { effect: "none", retryable: false } } as const;
  const { membership, elb } = await run({ RegisterTargets: [refused] });
  assertEquals(elb.order, ["RegisterTargets"]);
  assertEquals(membership.at, "absent");
});

Deno.test("Registration: throttled for ever ends with the step's time", async () => {
  const throttled = { answeredAfter: 20, fault: { effect: "none" } } as const;
  const { membership, elb } = await run({ RegisterTargets: [throttled] }, { stopAt: 90 * SECOND });
  assert((elb.calls.at(-1)?.at ?? 0) <= 60 * SECOND);
  assertEquals(membership.at, "absent");
});

Deno.test("Registration: DeregisterTargets applied but never answered is seen as done", async () => {
  const { membership, elb } = await run({ DeregisterTargets: [{ appliedAfter: 10 }] });
  assertEquals(elb.order, ["RegisterTargets", "DeregisterTargets", "DescribeTargetHealth"]);
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: DeregisterTargets lost is sent again", async () => {
  const { membership, elb } = await run({ DeregisterTargets: [SILENT, WELL] });
  assertEquals(elb.order, [
    "RegisterTargets",
    "DeregisterTargets",
    "DescribeTargetHealth",
    "DeregisterTargets",
  ]);
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: throttled while leaving, it just tries again", async () => {
  const throttled = { answeredAfter: 20, fault: { effect: "none" } } as const;
  const { membership, elb } = await run({ DeregisterTargets: [throttled, throttled, WELL] });
  assertEquals(elb.order.slice(1), Array(3).fill("DeregisterTargets"));
  assertEquals(membership.at, "draining");
});

for (const retryable of [true, false]) {
  Deno.test(`Registration: leaving, a fault for ever (retryable: ${retryable}) ends unconfirmed in time`, async () => {
    const { membership, tookAfterStop } = await run({
      DeregisterTargets: [{ answeredAfter: 20, fault: { effect: "none", retryable } }],
    });
    assertEquals(membership.at, "unknown");
    assertEquals(tookAfterStop, 30 * SECOND);
  });
}

Deno.test("Registration: refused once while leaving, it tries again", async () => {
  const refused = { answeredAfter: 20, fault: { effect: "none", retryable: false } } as const;
  const { membership, elb } = await run({ DeregisterTargets: [refused, WELL] });
  assertEquals(elb.state, "draining");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: a group that was deleted has let go of the target", async () => {
  const notFound: Course = {
    answeredAfter: 20,
    fault: { code: "TargetGroupNotFound", effect: "none", retryable: false },
  };
  const { membership, elb } = await run({
    DeregisterTargets: [notFound],
    DescribeTargetHealth: [notFound],
  });
  assertEquals(elb.order, ["RegisterTargets", "DeregisterTargets", "DescribeTargetHealth"]);
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: a group that was deleted is proof where DescribeTargetHealth is denied", async () => {
  const refused = (code: string): Course => ({
    answeredAfter: 20,
    fault: { code, effect: "none", retryable: false },
  });
  const { membership, tookAfterStop } = await run({
    DeregisterTargets: [refused("TargetGroupNotFound")],
    DescribeTargetHealth: [refused("AccessDenied")],
  });
  assertEquals(membership.at, "draining");
  assert(tookAfterStop < SECOND, `${tookAfterStop} ms`);
});

Deno.test("Registration: a group that is said to be deleted, and is not, keeps nothing", async () => {
  const notFound: Course = {
    answeredAfter: 20,
    fault: { code: "TargetGroupNotFound", effect: "none", retryable: false },
  };
  const { elb, membership } = await run({ DeregisterTargets: [notFound, WELL] });
  assertEquals([elb.state, membership.at], ["draining", "draining"]);
});

Deno.test("Registration: right after registering, 'not registered' is no proof", async () => {
  const lost = { answeredAfter: 20, fault: {} };
  const { membership, elb } = await run({ DeregisterTargets: [lost, WELL] }, {
    stopAt: 100,
    lie: { target, state: "unused", reason: "Target.NotRegistered" },
  });
  assertEquals(elb.state, "draining", "the second DeregisterTargets was needed");
  assertEquals(membership.at, "draining");
});

Deno.test("Registration: 'unused' because no listener is there is registered still", async () => {
  const { membership } = await run({ DeregisterTargets: [SILENT] }, {
    lie: { target, state: "unused", reason: "Target.NotInUse" },
  });
  assertEquals(membership.at, "unknown");
});
