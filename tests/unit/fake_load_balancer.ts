/** A load balancer in virtual time that does as a test says. The one fake of the unit tests. */
import type {
  CallOptions,
  ElasticLoadBalancing,
  GroupAttributes,
  Target,
  TargetGroup,
  TargetHealth,
  WhichGroups,
} from "../../lib/aws/elb.ts";
import { type ApiCall, ApiError, type ApiErrorDetails } from "../../lib/aws/errors.ts";
import type { VirtualClock } from "../simulation/clock.ts";

/** Where a target stands. */
export type State = "absent" | "healthy" | "unhealthy" | "draining";

/** How one call goes. Times in milliseconds, from when it is sent. */
export interface Course {
  /** When it is applied; left out: never. */
  readonly appliedAfter?: number;
  /** When the client gets an answer; left out: never. */
  readonly answeredAfter?: number;
  /** The answer, where that is an error: by default one that says nothing of what was applied. */
  readonly error?: Partial<ApiErrorDetails>;
}

export const GROUP_PORT = 9092;

/** The words that `order` tells of calls by. */
const WORDS: Readonly<Record<ApiCall, string>> = {
  DescribeTargetGroups: "find",
  RegisterTargets: "register",
  DescribeTargetHealth: "poll",
  DeregisterTargets: "deregister",
  DescribeTargetGroupAttributes: "delay",
};

export function arnOf(name: string): string {
  return `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/${name}/0123456789abcdef`;
}

function nameOf(arn: string): string {
  return arn.split("/")[1] ?? "";
}

/** Groups that drain by a timer; calls take 10 ms, and are applied at once, by default. */
export class FakeLoadBalancer implements ElasticLoadBalancing {
  readonly calls: { call: ApiCall; group: string; at: number; target?: Target }[] = [];
  /** Called with each call. */
  onCall: (call: ApiCall, group: string) => unknown = () => {};
  /** By group; groups that are not in it do not exist. */
  readonly states = new Map<string, State>();
  /** How long a target drains. */
  delay = 300_000;
  /** How the calls of a kind go, in order; the last one is that of all later calls too. */
  courses: Partial<Record<ApiCall, Course[]>> = {};
  /** How long a call takes that has no course of its own. */
  takes: (call: ApiCall) => number = () => 10;
  /** Says of a call that it fails: the code, and whether it may succeed later. */
  failing: (call: ApiCall, group: string) => { code: string; retryable: boolean } | undefined =
    () => undefined;
  /** What DescribeTargetGroupAttributes says of all groups besides. */
  attributes: Readonly<Record<string, string>> = {};
  /** What DescribeTargetGroups says of all groups. */
  settings: Partial<TargetGroup> = {};
  /** What DescribeTargetHealth says instead of the truth. */
  lie: (() => TargetHealth | undefined) | undefined;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, groups: readonly string[] = ["kafka"]) {
    this.#clock = clock;
    for (const group of groups) this.states.set(group, "absent");
  }

  /** The calls in order, a word each. */
  get order(): string {
    return this.calls.map(({ call }) => WORDS[call]).join(" ");
  }

  /** The moments at which one kind of call was made. */
  at(wanted: ApiCall, from = 0, to = Infinity): number[] {
    return this.calls.filter(({ call, at }) => call === wanted && at >= from && at < to)
      .map(({ at }) => at);
  }

  async describeTargetGroups(which: WhichGroups, options: CallOptions): Promise<TargetGroup[]> {
    const names = "names" in which ? which.names : which.arns.map(nameOf);
    await this.#call("DescribeTargetGroups", names.join(), options);
    return names.map((name) => ({
      arn: arnOf(name),
      name,
      targetType: "ip",
      ipAddressType: name.endsWith("6") ? "ipv6" : "ipv4",
      port: GROUP_PORT,
      healthCheck: { ...{ enabled: true, intervalSeconds: 10 }, ...THRESHOLDS },
      loadBalancerArns: ["arn"],
      ...this.settings,
    }));
  }

  async registerTarget(arn: string, target: Target, options: CallOptions): Promise<void> {
    const register = () => this.states.set(nameOf(arn), "healthy");
    await this.#call("RegisterTargets", nameOf(arn), options, { target, apply: register });
  }

  async deregisterTarget(arn: string, target: Target, options: CallOptions): Promise<void> {
    const name = nameOf(arn);
    const deregister = () => {
      const state = this.states.get(name);
      if (state !== "healthy" && state !== "unhealthy") return;
      this.states.set(name, "draining");
      this.#clock.after(this.delay, () => {
        if (this.states.get(name) === "draining") this.states.set(name, "absent");
      });
    };
    await this.#call("DeregisterTargets", name, options, { target, apply: deregister });
  }

  async describeTargetHealth(
    arn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth> {
    await this.#call("DescribeTargetHealth", nameOf(arn), options, { target });
    const state = this.states.get(nameOf(arn)) ?? "absent";
    return this.lie?.() ??
      (state === "absent"
        ? { target, state: "unused", reason: "Target.NotRegistered" }
        : { target, state });
  }

  async groupAttributes(arn: string, options: CallOptions): Promise<GroupAttributes> {
    await this.#call("DescribeTargetGroupAttributes", nameOf(arn), options);
    return { deregistrationDelay: this.delay, all: this.attributes };
  }

  async #call(
    call: ApiCall,
    group: string,
    { signal, onSend }: CallOptions,
    { target, apply = () => {} }: { target?: Target; apply?: () => void } = {},
  ): Promise<void> {
    signal.throwIfAborted();
    this.onCall(call, group);
    this.calls.push({
      call,
      group,
      at: this.#clock.now(),
      ...(target !== undefined && { target }),
    });
    const courses = this.courses[call] ?? [];
    const given = courses.length > 1 ? courses.shift() : courses[0];
    const { appliedAfter, answeredAfter, error } = given ?? this.#course(call, group);
    onSend?.();
    if (appliedAfter !== undefined) this.#clock.after(appliedAfter, apply);
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (answeredAfter === undefined) return;
      this.#clock.after(answeredAfter, () => {
        if (error === undefined) return resolve();
        const details = { call, code: "Scripted", retryable: true, effect: "unknown" } as const;
        reject(new ApiError(error.code ?? details.code, { ...details, ...error }));
      });
    });
  }

  #course(call: ApiCall, group: string): Course {
    const time = this.takes(call);
    const exists = group.split(",").every((name) => this.states.has(name));
    const error = exists
      ? this.failing(call, group)
      : { code: "TargetGroupNotFound", retryable: false };
    return error === undefined
      ? { appliedAfter: time, answeredAfter: time }
      : { answeredAfter: time, error: { ...error, effect: "none" } };
  }
}

const THRESHOLDS = { healthyThreshold: 3, unhealthyThreshold: 3 };
