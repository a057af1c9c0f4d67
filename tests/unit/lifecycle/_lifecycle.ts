/** A whole life in virtual time, against a load balancer that does as it is told. */
import type {
  CallOptions,
  ElasticLoadBalancing,
  Target,
  TargetGroup,
  TargetHealth,
  WhichGroups,
} from "../../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../../lib/aws/errors.ts";
import { type Config, readConfig } from "../../../lib/config/config.ts";
import type { HookEvent, HookOutcome } from "../../../lib/hooks/hook.ts";
import { StopRequested } from "../../../lib/host/signals.ts";
import { CurrentIntent } from "../../../lib/lifecycle/current_intent.ts";
import { runLifecycle } from "../../../lib/lifecycle/lifecycle.ts";
import type { LifecycleOutcome } from "../../../lib/lifecycle/outcome.ts";
import type { Application } from "../../../lib/lifecycle/ports.ts";
import { createView, Progress, type View } from "../../../lib/lifecycle/status.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** Where a target stands. */
type State = "absent" | "healthy" | "unhealthy" | "draining";

export function arnOf(name: string): string {
  return `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/${name}/0123456789abcdef`;
}

/** A load balancer whose groups drain by a timer, and whose calls take 10 ms by default. */
export class FakeLoadBalancer implements ElasticLoadBalancing {
  readonly calls: { call: ApiCall; group: string; at: number }[] = [];
  /** By group; groups that are not in it do not exist. */
  readonly states = new Map<string, State>();
  delay = 300 * SECOND;
  /** How long a call takes; it is applied at the end. */
  takes: (call: ApiCall) => number = () => 10;
  /** Says of a call that it fails: the code, and whether that may pass. */
  failing: (call: ApiCall, group: string) => { code: string; retryable: boolean } | undefined =
    () => undefined;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, groups: readonly string[]) {
    this.#clock = clock;
    for (const group of groups) this.states.set(group, "absent");
  }

  /** The order of calls, a letter each: Find, Register, Look, Deregister, Attributes. */
  get order(): string {
    const letters: Record<ApiCall, string> = {
      DescribeTargetGroups: "F",
      RegisterTargets: "R",
      DescribeTargetHealth: "L",
      DeregisterTargets: "D",
      DescribeTargetGroupAttributes: "A",
    };
    return this.calls.map(({ call }) => letters[call]).join("");
  }

  async describeTargetGroups(which: WhichGroups, options: CallOptions): Promise<TargetGroup[]> {
    const names = "names" in which ? which.names : which.arns.map((arn) => arn.split("/")[1] ?? "");
    await this.#call("DescribeTargetGroups", names.join(), options);
    return names.map((name) => ({
      arn: arnOf(name),
      name,
      targetType: "ip",
      ipAddressType: name.endsWith("6") ? "ipv6" : "ipv4",
      port: 9092,
      healthCheck: {
        enabled: true,
        intervalSeconds: 10,
        healthyThreshold: 3,
        unhealthyThreshold: 3,
      },
      loadBalancerArns: ["arn"],
    }));
  }

  async registerTarget(arn: string, _target: Target, options: CallOptions): Promise<void> {
    await this.#call("RegisterTargets", nameOf(arn), options);
    this.states.set(nameOf(arn), "healthy");
  }

  async deregisterTarget(arn: string, _target: Target, options: CallOptions): Promise<void> {
    const name = nameOf(arn);
    await this.#call("DeregisterTargets", name, options);
    if (this.states.get(name) !== "healthy") return;
    this.states.set(name, "draining");
    this.#clock.at(this.#clock.now() + this.delay, () => {
      if (this.states.get(name) === "draining") this.states.set(name, "absent");
    });
  }

  async describeTargetHealth(
    arn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth> {
    await this.#call("DescribeTargetHealth", nameOf(arn), options);
    const state = this.states.get(nameOf(arn)) ?? "absent";
    return state === "absent"
      ? { target, state: "unused", reason: "Target.NotRegistered" }
      : { target, state };
  }

  async deregistrationDelay(arn: string, options: CallOptions): Promise<number> {
    await this.#call("DescribeTargetGroupAttributes", nameOf(arn), options);
    return this.delay;
  }

  async #call(call: ApiCall, group: string, { signal, onSend }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.calls.push({ call, group, at: this.#clock.now() });
    onSend?.();
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#clock.at(this.#clock.now() + this.takes(call), resolve);
    });
    const exists = group.split(",").every((name) => this.states.has(name));
    const fault = exists
      ? this.failing(call, group)
      : { code: "TargetGroupNotFound", retryable: false };
    if (fault === undefined) return;
    throw new ApiError(fault.code, { call, ...fault, effect: "none" });
  }
}

function nameOf(arn: string): string {
  return arn.split("/")[1] ?? "";
}

/** How a life is set up. */
export interface LifeOptions {
  readonly args?: readonly string[];
  readonly groups?: readonly string[];
  readonly application?: Application;
  readonly hook?: (event: HookEvent) => HookOutcome | Promise<HookOutcome>;
  /** Connections to the target, as they are counted. */
  readonly connections?: () => number;
}

/** A life that is under way. Moments are milliseconds from its start. */
export class Life {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly config: Config;
  readonly progress = new Progress(this.clock);
  readonly intent: CurrentIntent;
  readonly view: View;
  readonly elb: FakeLoadBalancer;
  readonly hooks: HookEvent[] = [];
  readonly reregistered: string[] = [];
  /** The phases in which it had nothing to do. */
  readonly rests: string[] = [];
  readonly #stop = new AbortController();
  readonly #forcedStop = new AbortController();
  readonly #options: LifeOptions;

  constructor(options: LifeOptions = {}) {
    this.#options = options;
    const { args = [], groups = ["kafka"], connections } = options;
    this.elb = new FakeLoadBalancer(this.clock, groups);
    const names = groups.map((name) => `-target-group-name=${name}`);
    const reading = readConfig([...names, "-target-id=10.0.0.1", ...args], {});
    if (reading.kind !== "run") throw new Error(JSON.stringify(reading));
    this.config = reading.config;
    const { clock, progress } = this;
    const signals = { stop: this.#stop.signal, forcedStop: this.#forcedStop.signal };
    const { gracePeriod, drain } = this.config;
    const intent = this.intent = new CurrentIntent({ clock, signals, gracePeriod });
    this.view = createView({
      ...{ clock, intent, progress, connections },
      minDrainTime: drain.minTime,
      application: { answers: () => Promise.resolve(true), last: () => [] },
    });
  }

  /** A stop signal at a moment, and perhaps a second one. */
  stopAt(moment: number, second?: number): this {
    this.clock.at(moment, () => this.#stop.abort(new StopRequested("SIGTERM")));
    if (second !== undefined) {
      this.clock.at(second, () => this.#forcedStop.abort(new StopRequested("SIGTERM")));
    }
    return this;
  }

  /** A call of `/drain` at a moment: how it ends, and when. */
  drainAt(moment: number): Promise<{ end: string; at: number }> {
    const { promise, resolve } = Promise.withResolvers<{ end: string; at: number }>();
    this.clock.at(moment, async () => {
      const end = await this.view.drain();
      resolve({
        end: end.outcome === "drained" ? "drained" : end.reason,
        at: this.clock.now(),
      });
    });
    return promise;
  }

  /** Lives it to its end. */
  async run(): Promise<LifecycleOutcome> {
    const { application, hook, connections } = this.#options;
    const { clock, log, intent, progress, elb } = this;
    return await this.clock.run(runLifecycle(this.config, {
      ...{ clock, log, intent, progress },
      elb: limited(elb, clock),
      hooks: {
        run: ({ event }) => {
          this.hooks.push(event);
          return Promise.resolve(hook?.(event) ?? { outcome: "succeeded" });
        },
      },
      application: application ?? {
        wait: () => Promise.resolve(),
        restarted: () => new Promise(() => {}),
      },
      observer: { onReregistered: (arn) => this.reregistered.push(arn) },
      onIdle: () => this.rests.push(progress.phase),
      ...(connections !== undefined && { connections }),
    }));
  }
}
