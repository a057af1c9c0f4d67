/**
 * The load balancer's API in virtual time. What a call does and what its client gets to know are
 * two things here: a call may be applied long after the client has given it up.
 */
import type {
  CallOptions,
  ElasticLoadBalancing,
  GroupAttributes,
  Target,
} from "../../lib/aws/elb.ts";
import type { TargetGroup, TargetHealth, WhichGroups } from "../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../lib/aws/errors.ts";
import { isTimeout } from "../../lib/host/clock.ts";
import type { VirtualClock } from "./clock.ts";
import { type Course, drawCourse, type Weather } from "./courses.ts";
import { Membership, type MembershipPlan } from "./membership.ts";
import type { Tape } from "./tape.ts";
import { ZONE } from "./scenario.ts";
import type { Trace } from "./trace.ts";

/** One call as both sides know it; times are virtual. */
export interface CallRecord {
  readonly call: ApiCall;
  /** The group's name; empty for DescribeTargetGroups. */
  readonly group: string;
  readonly madeAt: number;
  sentAt?: number;
  /** When the client heard of its end, or gave it up. */
  endedAt?: number;
  end?: "answered" | "given-up" | ApiError;
  /** What an answered DescribeTargetHealth said. */
  health?: TargetHealth;
}

/** What the API model needs. */
export interface ApiOptions {
  readonly clock: VirtualClock;
  readonly tape: Tape;
  readonly trace: Trace;
  readonly weather: Weather;
  /** The groups that exist, by name. */
  readonly groups: ReadonlyMap<string, MembershipPlan>;
  readonly target: Target;
  /** Told of each call when it is made, when its request goes out, and when it has ended. */
  readonly onCall: (record: CallRecord, step: "made" | "sent" | "ended") => void;
  /** Called before a call takes effect, perhaps long after its client has given it up. */
  readonly onApply: (record: CallRecord) => void;
}

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup";

/** The ARN of a group of the simulation. */
export function arnOf(name: string): string {
  return `${ARN}/${name}/0123456789abcdef`;
}

function nameOf(arn: string): string {
  return arn.split("/")[1] ?? "";
}

/** The API. */
export class SimulatedApi implements ElasticLoadBalancing {
  readonly calls: CallRecord[] = [];
  readonly memberships: ReadonlyMap<string, Membership>;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.memberships = new Map(
      [...options.groups].map(([name, plan]) => [name, new Membership(options.target, plan)]),
    );
  }

  async describeTargetGroups(
    which: WhichGroups,
    options: CallOptions,
  ): Promise<TargetGroup[]> {
    const names = "names" in which ? which.names : which.arns.map(nameOf);
    await this.#call("DescribeTargetGroups", "", options, () => {});
    return names.map((name) => this.#describe(name));
  }

  async registerTarget(arn: string, _target: Target, options: CallOptions): Promise<void> {
    const { clock } = this.#options;
    const membership = this.#membership(arn);
    await this.#call(
      "RegisterTargets",
      nameOf(arn),
      options,
      () => membership.register(clock.now(), true),
    );
  }

  async deregisterTarget(arn: string, _target: Target, options: CallOptions): Promise<void> {
    const { clock } = this.#options;
    const membership = this.#membership(arn);
    await this.#call(
      "DeregisterTargets",
      nameOf(arn),
      options,
      () => membership.deregister(clock.now()),
    );
  }

  async describeTargetHealth(
    arn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth> {
    const { clock } = this.#options;
    const membership = this.#membership(arn);
    // A zone other than the recorded one finds nothing (aws-load-balancer-controller issue 4544).
    const isFound = target.availabilityZone === undefined || target.availabilityZone === ZONE;
    let health = membership.health(-Infinity);
    const record = await this.#call(
      "DescribeTargetHealth",
      nameOf(arn),
      options,
      ({ staleness }) => {
        if (isFound) health = membership.health(clock.now() - staleness);
      },
    );
    record.health = health;
    return health;
  }

  async groupAttributes(arn: string, options: CallOptions): Promise<GroupAttributes> {
    await this.#call("DescribeTargetGroupAttributes", nameOf(arn), options, () => {});
    return { deregistrationDelay: this.#options.groups.get(nameOf(arn))?.drainsFor ?? 0, all: {} };
  }

  #membership(arn: string): Membership {
    const membership = this.memberships.get(nameOf(arn));
    if (membership === undefined) throw new Error(`no group ${arn} in this simulation`);
    return membership;
  }

  #describe(name: string): TargetGroup {
    return {
      arn: arnOf(name),
      name,
      targetType: "ip",
      ipAddressType: "ipv4",
      port: 9092,
      protocol: "TCP",
      healthCheck: {
        enabled: true,
        intervalSeconds: 30,
        healthyThreshold: 3,
        unhealthyThreshold: 3,
      },
      loadBalancerArns: ["lb"],
    };
  }

  /** @param apply What the server does. */
  async #call(
    call: ApiCall,
    group: string,
    { signal, onSend }: CallOptions,
    apply: (course: Course) => void,
  ): Promise<CallRecord> {
    signal.throwIfAborted();
    const { clock, tape, weather, onCall } = this.#options;
    const course = drawCourse(tape, call, weather, clock.now());
    const record: CallRecord = { call, group, madeAt: clock.now() };
    this.calls.push(record);
    onCall(record, "made");

    const answer = Promise.withResolvers<CallRecord>();
    const end = (how: NonNullable<CallRecord["end"]>) => {
      if (record.end !== undefined) return false;
      record.end = how;
      record.endedAt = clock.now();
      onCall(record, "ended");
      return true;
    };
    const giveUp = () => {
      const reason: unknown = signal.reason;
      const unsent = record.sentAt === undefined && isTimeout(reason);
      const fault = unsent ? faultOf(call, UNSENT) : undefined;
      if (!end(fault ?? "given-up")) return;
      answer.reject(fault ?? reason);
      this.#late(course, record, apply);
    };
    const conclude = () => {
      signal.removeEventListener("abort", giveUp);
      const fault = course.fault === undefined ? undefined : faultOf(call, course.fault);
      if (!end(fault ?? "answered")) return;
      if (fault !== undefined) answer.reject(fault);
      else answer.resolve(record);
      this.#late(course, record, apply);
    };
    const send = () => {
      if (record.end !== undefined) return;
      record.sentAt = clock.now();
      onSend?.();
      onCall(record, "sent");
      this.#incident(course);
      for (const time of course.appliedAfter) {
        clock.after(time, () => this.#apply(course, record, apply));
      }
      if (course.answeredAfter !== undefined) clock.after(course.answeredAfter, conclude);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    if (course.sentAfter === 0) send();
    else clock.after(course.sentAfter, send);
    return await answer.promise;
  }

  #incident({ incident }: Course): void {
    if (incident !== undefined) this.#options.trace.incident(incident);
  }

  /** A call that the client heard a fault of, or nothing, may still be applied for a while. */
  #late(course: Course, record: CallRecord, apply: (course: Course) => void): void {
    const isCertain = record.sentAt === undefined || record.end === "answered";
    if (course.lateAfter === undefined || isCertain) return;
    this.#options.clock.after(course.lateAfter, () => this.#apply(course, record, apply));
  }

  /** Whatever the network does, it does within the settle time after the client's end. */
  #apply(course: Course, record: CallRecord, apply: (course: Course) => void): void {
    const { clock, trace, weather, onApply } = this.#options;
    const latest = (record.endedAt ?? Infinity) + weather.settle;
    if (clock.now() >= latest && record.end !== "answered" && record.endedAt !== undefined) return;
    onApply(record);
    apply(course);
    if (record.call === "RegisterTargets" || record.call === "DeregisterTargets") {
      trace.happened(`applied: ${record.call} ${record.group}`);
    }
  }
}

/** Slow credentials: nothing went out. */
const UNSENT = { code: "NoCredentials", retryable: true, effect: "none" } as const;

function faultOf(call: ApiCall, details: Course["fault"] & { code: string }): ApiError {
  return new ApiError(`the API answered ${details.code}`, { call, ...details });
}
