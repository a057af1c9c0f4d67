/** A whole life in virtual time, against a load balancer that does as it is told. */
import { type Config, readConfig } from "../../../lib/config/config.ts";
import type { HookContext, HookEvent, HookOutcome } from "../../../lib/hooks/hook.ts";
import type { Counts, Endpoint } from "../../../lib/host/connections.ts";
import { Stats } from "../../../lib/http/stats.ts";
import { StopRequested } from "../../../lib/host/signals.ts";
import { CurrentIntent } from "../../../lib/lifecycle/current_intent.ts";
import { runLifecycle } from "../../../lib/lifecycle/lifecycle.ts";
import type { LifecycleOutcome } from "../../../lib/lifecycle/outcome.ts";
import type { Application } from "../../../lib/lifecycle/ports.ts";
import { createView, Progress, type View } from "../../../lib/lifecycle/status.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { FakeLoadBalancer } from "../fake_load_balancer.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** Calls take 10 ms: of a moment, only the second counts. */
export function secondOf(at: number): number {
  return Math.round(at / SECOND);
}

/** What `-wait-for` has seen of the application. */
export const ANSWERS = [{ url: "tcp://127.0.0.1:9092", ready: true }];

/** How a life is set up. */
export interface LifeOptions {
  readonly args?: readonly string[];
  readonly groups?: readonly string[];
  readonly application?: Application;
  readonly hook?: (
    event: HookEvent,
    timeout: number | undefined,
    context: HookContext,
  ) => HookOutcome | Promise<HookOutcome>;
  /** What outlives the process. */
  readonly stateFile?: { readonly wasDraining: boolean; keep(isDraining: boolean): void };
  /** Connections to a port of the target that are open, as they are counted. */
  readonly connections?: (port: number) => number;
  /** To all ports, with those that come and are not seen open. */
  readonly count?: () => Counts;
}

/** Counts connections that are seen from their beginnings. */
function opening(count: () => number): () => Counts {
  let [before, seen] = [0, 0];
  return () => {
    const open = count();
    seen += Math.max(0, open - before);
    before = open;
    return { open, seen };
  };
}

/** A life that is under way. Moments are milliseconds from its start. */
export class Life {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly config: Config;
  readonly stats = new Stats();
  readonly progress = new Progress(this.clock, this.stats);
  readonly intent: CurrentIntent;
  readonly view: View;
  readonly elb: FakeLoadBalancer;
  readonly hooks: HookEvent[] = [];
  readonly reregistered: string[] = [];
  /** How its drains ended, and its stops without one. */
  readonly drainEnds: string[] = [];
  /** The phases in which it had nothing to do. */
  readonly rests: string[] = [];
  readonly #stop = new AbortController();
  readonly #forcedStop = new AbortController();
  readonly #options: LifeOptions;

  constructor(options: LifeOptions = {}) {
    this.#options = options;
    const { args = [], groups = ["kafka"] } = options;
    this.elb = new FakeLoadBalancer(this.clock, groups);
    const names = groups.map((name) => `-target-group-name=${name}`);
    const reading = readConfig([...names, "-target-id=10.0.0.1", ...args], {});
    if (reading.kind !== "run") throw new Error(JSON.stringify(reading));
    this.config = reading.config;
    const { clock, progress } = this;
    const signals = { stop: this.#stop.signal, forcedStop: this.#forcedStop.signal };
    const { gracePeriod, drain } = this.config;
    const intent = this.intent = new CurrentIntent({
      ...{ clock, signals, gracePeriod, stateFile: options.stateFile },
    });
    this.view = createView({
      ...{ clock, intent, progress },
      connections: options.connections && ((each) => this.#connectionsTo(each)),
      minDrainTime: drain.minTime,
      application: { answers: () => Promise.resolve(true), last: () => ANSWERS },
    });
  }

  #connectionsTo(each: readonly Endpoint[]): number {
    const { connections = () => 0 } = this.#options;
    return each.reduce((sum, { port }) => sum + connections(port), 0);
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
    return await this.clock.run(this.#live());
  }

  /** Lives it until it is killed. */
  async playUntil(killed: number): Promise<void> {
    await this.clock.play(this.#live(), { longest: killed, moments: Infinity });
  }

  async #live(): Promise<LifecycleOutcome> {
    const { application, hook, connections, count } = this.#options;
    const follow = (each: readonly Endpoint[]) => count ?? opening(() => this.#connectionsTo(each));
    const { clock, log, intent, progress, elb } = this;
    return await runLifecycle(this.config, {
      ...{ clock, log, intent, progress },
      elb: limited(elb, clock),
      hooks: {
        run: (context) => {
          const { event, timeout } = context;
          this.hooks.push(event);
          return Promise.resolve(hook?.(event, timeout, context) ?? { outcome: "succeeded" });
        },
      },
      application: application ?? {
        wait: () => Promise.resolve(),
        restarted: () => new Promise(() => {}),
      },
      observer: {
        onDeregistered: this.stats.onDeregistered,
        onReregistered: (arn) => this.reregistered.push(arn),
        onDrainWaited: (outcome) => this.drainEnds.push(outcome),
        onUndrainedStop: () => this.drainEnds.push("none"),
      },
      onIdle: () => this.rests.push(progress.phase),
      ...((count ?? connections) && { connections: follow }),
    });
  }
}
