/** The world of one schedule: the ports of a life, and what the invariants need to know of it. */
import type { Log } from "../../lib/host/log.ts";
import { Application } from "../../lib/application/application.ts";
import { limited } from "../../lib/aws/limits.ts";
import { CurrentIntent } from "../../lib/lifecycle/current_intent.ts";
import type { DrainOutcome, LifecycleOutcome } from "../../lib/lifecycle/outcome.ts";
import type { Ports } from "../../lib/lifecycle/ports.ts";
import {
  createView,
  type Phase as LifecyclePhase,
  Progress,
  type View,
} from "../../lib/lifecycle/status.ts";
import { runLifecycle } from "../../lib/lifecycle/lifecycle.ts";
import { type CallRecord, SimulatedApi } from "./api.ts";
import { SimulatedApplication } from "./application.ts";
import { SimulatedConnections } from "./connections.ts";
import { VirtualClock } from "./clock.ts";
import { type HookRun, SimulatedHooks } from "./hooks.ts";
import type { Scenario } from "./scenario.ts";
import type { Tape } from "./tape.ts";
import type { Phase } from "./reachable.ts";
import { Trace } from "./trace.ts";

/** A call of `/drain`. */
export interface Drain {
  readonly at: number;
  endedAt?: number;
  end?: DrainOutcome;
}

/** What is known of a life besides its trace. */
export interface Facts {
  stoppedAt?: number;
  hurriedAt?: number;
  /** A stranger registered the target: what was confirmed before that is no more. */
  registeredByOtherAt?: number;
  /** It was a fault that nobody caught, not a signal. */
  faulted: boolean;
  readonly drains: Drain[];
  /** Listeners on the signals of the process, now. */
  listeners: number;
  ending?: LifecycleOutcome;
}

/** What made a cycle end. */
interface Leave {
  readonly at: number;
  readonly phase: Phase;
  readonly by: "stop" | "drain";
}

/** One cycle of a life, to its end or to drained: where it began, in time and in what is recorded of the whole life. */
class Cycle {
  /** What came first; undefined: neither a stop nor a drain yet. */
  leave: Leave | undefined;
  /** After the last `/drain`, `/register` came or the application came back. */
  isWantedBack = false;

  constructor(
    readonly began: number,
    readonly first: Readonly<Record<"call" | "hook" | "phase" | "graces", number>>,
  ) {}
}

/** The world. */
export class World {
  readonly facts: Facts = { faulted: false, drains: [], listeners: 0 };
  readonly stop = new AbortController();
  readonly forcedStop = new AbortController();
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly api: SimulatedApi;
  readonly hooks: SimulatedHooks;
  readonly application: SimulatedApplication;
  readonly connections: SimulatedConnections;
  readonly intent: CurrentIntent;
  readonly scenario: Scenario;
  readonly cycles: Cycle[] = [];
  /** A client asked for a drain, and nothing has undone that since. */
  isDrainStanding = false;
  /** The target may be registered again: on request, or as the application may count as restarted. */
  mayReturn = false;
  /** Since when the pod's grace period counted, from which moment on. */
  readonly #graces: { readonly from: number; readonly since: number }[] = [];
  /** The life as its HTTP service sees it. */
  readonly view: View;
  readonly #progress: Progress;
  /** The decisions of the schedule. */
  readonly tape: Tape;

  constructor(scenario: Scenario, tape: Tape, watch: {
    readonly keepLines: boolean;
    readonly onCall: (world: World, record: CallRecord, step: "made" | "sent" | "ended") => void;
    readonly onApply: (world: World, record: CallRecord) => void;
    readonly onHook: (world: World, run: HookRun) => void;
    /** Told when another cycle begins, before it does. */
    readonly onReturn: (world: World) => void;
  }) {
    this.scenario = scenario;
    this.tape = tape;
    // Half a turn on: the harmless chance is the middle, not a delay of nothing.
    this.clock = new VirtualClock(() => (tape.number() + 0.5) % 1);
    this.trace = new Trace(this.clock, watch.keepLines);
    const { clock, trace } = this;
    this.api = new SimulatedApi({
      ...{ clock, tape, trace },
      weather: scenario.weather,
      groups: scenario.groups,
      target: { id: "10.0.0.1" },
      onCall: (record, step) => {
        this.#follow(record, step);
        watch.onCall(this, record, step);
      },
      onApply: (record) => watch.onApply(this, record),
    });
    this.hooks = new SimulatedHooks({
      ...{ clock, tape, trace },
      trouble: scenario.hookTrouble,
      onHook: (run) => watch.onHook(this, run),
    });
    this.application = new SimulatedApplication(clock, scenario.applicationReadyAt);
    this.connections = new SimulatedConnections(clock, scenario.connections);
    const signals = { stop: this.stop.signal, forcedStop: this.forcedStop.signal };
    const { gracePeriod, drain } = scenario.config;
    this.intent = new CurrentIntent({ clock, signals, gracePeriod });
    this.cycles.push(this.#newCycle());
    this.#progress = new TracedProgress(clock, trace, () => {
      watch.onReturn(this);
      this.isDrainStanding = this.mayReturn = false;
      this.cycles.push(this.#newCycle());
    });
    this.view = createView({
      ...{ clock, intent: this.intent, progress: this.#progress, connections: undefined },
      minDrainTime: drain.minTime,
      application: { answers: () => Promise.resolve(true), last: () => [] },
    });
    countListeners(this.stop.signal, this.facts);
    countListeners(this.forcedStop.signal, this.facts);
  }

  /** The life under test. A new port is filled here. */
  async live(): Promise<void> {
    const { clock, hooks, intent, scenario: { config } } = this;
    const log = this.#log();
    const { probe } = this.application;
    const ports: Ports = {
      ...{ clock, log, hooks, intent },
      elb: limited(this.api, clock),
      application: new Application({ ...config.application, clock, log, probe }),
      progress: this.#progress,
      connections: this.connections.follow,
    };
    this.facts.ending = await runLifecycle(this.scenario.config, ports);
    this.trace.tell(`ended: ${this.facts.ending.exit}: ${this.facts.ending.message}`);
  }

  /** The cycle that the life is in. */
  get cycle(): Cycle {
    return this.cycles.at(-1) ?? this.#newCycle();
  }

  /** What is recorded of the cycle. */
  get ofCycle(): {
    readonly calls: readonly CallRecord[];
    readonly hooks: readonly HookRun[];
    readonly phases: Trace["phases"];
  } {
    const { first } = this.cycle;
    return {
      calls: this.api.calls.slice(first.call),
      hooks: this.hooks.runs.slice(first.hook),
      phases: this.trace.phases.slice(first.phase),
    };
  }

  /** Whether the cycle has been in a phase. */
  readonly has = (phase: Phase): boolean => this.ofCycle.phases.some((one) => one.phase === phase);

  /** Whether `/readyz` answers 200. */
  readonly isReady = (): boolean => this.view.status().ready;

  /** A stop or a drain came; the first one of a cycle ends it. */
  left(by: "stop" | "drain"): void {
    this.cycle.leave ??= { at: this.clock.now(), phase: this.trace.phase, by };
  }

  /** The first sign that the pod may be deleted; one that it has outlived was none. */
  graceBegins(): void {
    const { gracePeriod } = this.scenario.config;
    const now = this.clock.now();
    const last = this.#graces.at(-1)?.since ?? -Infinity;
    // One that began before the target was registered again was not that of the pod's deletion.
    const isOfNow = this.#graces.length > this.cycle.first.graces;
    const isRunning = isOfNow && now - last < gracePeriod;
    if (!isRunning) this.#graces.push({ from: now, since: now });
  }

  /** When the grace period that counts at a moment ends, but for a reserve. */
  graceEnd(moment: number, reserve: number): number {
    const { gracePeriod } = this.scenario.config;
    const running = this.#graces.findLast(({ from }) => from <= moment);
    if (gracePeriod === 0 || running === undefined) return Infinity;
    return running.since + gracePeriod - reserve;
  }

  #newCycle(): Cycle {
    return new Cycle(this.clock.now(), {
      call: this.api.calls.length,
      hook: this.hooks.runs.length,
      graces: this.#graces.length,
      phase: this.trace.phases.length - (this.cycles.length === 0 ? 1 : 0),
    });
  }

  /** From calls to phases. */
  #follow(record: CallRecord, step: "made" | "sent" | "ended"): void {
    const { trace, connections } = this;
    if (step === "made" && record.call === "DeregisterTargets") connections.drains();
    if (step === "sent" && record.call === "RegisterTargets") connections.serves();
    if (step === "made" && record.call === "DeregisterTargets" && trace.phase === "confirming") {
      trace.enter("deregistering");
    }
    if (
      step === "made" && record.call === "DescribeTargetHealth" && trace.phase === "deregistering"
    ) {
      trace.enter("confirming");
    }
    const about = `${record.call}${record.group === "" ? "" : ` ${record.group}`}`;
    if (step !== "ended") return trace.happened(`${step}: ${about}`);
    const { end } = record;
    trace.happened(`${about}: ${typeof end === "string" ? end : end?.code}`);
  }

  #log(): Log {
    const { trace } = this;
    const line = (level: string) => (message: string) => {
      trace.tell(`log ${level}: ${message}`);
    };
    return { debug: () => {}, info: line("info"), warn: line("warn"), error: line("error") };
  }
}

/** Tells the trace of each phase, and the world of each cycle. */
class TracedProgress extends Progress {
  readonly #trace: Trace;
  readonly #onBegin: () => void;

  constructor(clock: VirtualClock, trace: Trace, onBegin: () => void) {
    super(clock);
    this.#trace = trace;
    this.#onBegin = onBegin;
  }

  override begin(): void {
    this.#onBegin();
    super.begin();
  }

  override enter(phase: LifecyclePhase): void {
    super.enter(phase);
    if (phase !== "ended") this.#trace.enter(phase);
  }
}

/** Sees a listener that is left on a signal that lives as long as the process. */
function countListeners(signal: AbortSignal, facts: Facts): void {
  const listening = new Set<unknown>();
  signal.addEventListener("abort", () => count(() => listening.clear()), { once: true });
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  const count = (change: () => void) => {
    const before = listening.size;
    change();
    facts.listeners += listening.size - before;
  };
  signal.addEventListener = (type: string, listener: unknown, options?: unknown) => {
    count(() => listening.add(listener));
    Reflect.apply(add, signal, [type, listener, options]);
  };
  signal.removeEventListener = (type: string, listener: unknown, options?: unknown) => {
    count(() => listening.delete(listener));
    Reflect.apply(remove, signal, [type, listener, options]);
  };
}
