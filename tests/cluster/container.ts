/** A container of a pod: its lives one after the other, its probes and hooks, its end. */
import { hook, type Subject } from "./actions.ts";
import { BackOff, backOffPause } from "./back_off.ts";
import { type Identity, staticVariables } from "./env.ts";
import type { ContainerHappening, HookName } from "./events.ts";
import { verdicts } from "./probes.ts";
import { Output } from "./output.ts";
import { type Exit, Processes } from "./processes.ts";
import type { Action, ContainerSpec, Probe } from "./spec.ts";
import { startCommand } from "./start_command.ts";
import { stop, type StopOptions } from "./stopping.ts";
import { TerminationLog } from "./termination_message.ts";
import type { World } from "./world.ts";

/** One life: from the start of the first process to its end. */
export interface Life {
  readonly subject: Subject;
  /** The end that is under way. */
  stopping?: Promise<void>;
}

/** A container. */
export class Container {
  readonly spec: ContainerSpec;
  readonly #pod: Identity;
  readonly #world: World;
  readonly #grace: number;
  readonly #onChange: () => void;
  readonly #output = new Output();
  readonly #backOff = new BackOff();
  readonly #launched = Promise.withResolvers<void>();
  readonly #startedUp = Promise.withResolvers<void>();
  readonly #message: TerminationLog;
  #life: Life | undefined;
  #restarts = -1;
  #isStarted = false;
  #isReady = false;
  #lastExit: { readonly code: number; readonly message: string } | undefined;

  /** @param grace The pod's grace period, in Kubernetes' seconds. */
  constructor(
    spec: ContainerSpec,
    { pod, world, grace, onChange }: {
      readonly pod: Identity;
      readonly world: World;
      readonly grace: number;
      readonly onChange: () => void;
    },
  ) {
    this.spec = spec;
    this.#pod = pod;
    this.#world = world;
    this.#grace = grace;
    this.#onChange = onChange;
    this.#message = new TerminationLog(`${world.folder}/${pod.uid}-${spec.name}`);
  }

  /** Its output so far, that of earlier lives included. */
  get log(): readonly string[] {
    return this.#output.lines;
  }

  /** Waits for a line of its output, those already printed included. */
  line(pattern: RegExp): Promise<string> {
    return this.#output.line(pattern);
  }

  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get restarts(): number {
    return Math.max(0, this.#restarts);
  }

  /** The id of its first process, while it runs. */
  get pid(): number | undefined {
    return this.#life?.subject.processes.pid;
  }

  /** How it ended last. */
  get lastExit(): { readonly code: number; readonly message: string } | undefined {
    return this.#lastExit;
  }

  /** Resolves when it was started for the first time and its postStart hook has ended. */
  get launched(): Promise<void> {
    return this.#launched.promise;
  }

  /** Resolves when, for the first time, postStart is done and the startup probe has succeeded. */
  get startedUp(): Promise<void> {
    return this.#startedUp.promise;
  }

  /**
   * Runs life after life until the signal ends; an ordinary init container until it succeeds.
   * The end of the signal starts nothing new, and ends nothing: see `stop`.
   */
  async run(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      const began = this.#world.time.now();
      const { code } = await this.#live(ending);
      if (ending.aborted || (this.spec.role === "init" && code === 0)) return;
      const ran = (this.#world.time.now() - began) * this.#world.time.scale / 1_000;
      const seconds = this.#backOff.next(ran);
      if (seconds > 0) this.record({ kind: "back-off", seconds });
      if (!await backOffPause(this.#world.time, seconds, ending)) return;
    }
  }

  /** Ends the present life, if there is one, in Kubernetes' order; joins an end under way. */
  async stop(options: Omit<StopOptions, "over">): Promise<void> {
    const life = this.#life;
    if (!life) return;
    life.stopping ??= stop(this, life, { ...options, over: this.#world.over });
    await life.stopping;
  }

  /** Kills the first process from outside, as `kill -9` on the node does. */
  crash(): void {
    this.#life?.subject.processes.signal("SIGKILL");
  }

  /** Runs a hook until its end or the signal's, and reports both. */
  async hook(
    name: HookName,
    action: Action,
    subject: Subject,
    signal: AbortSignal,
  ): Promise<boolean> {
    this.record({ kind: "hook-begun", hook: name });
    const outcome = await hook(action, subject, signal);
    this.record({
      kind: "hook-ended",
      hook: name,
      outcome: outcome.ok ? "done" : signal.aborted ? "abandoned" : "failed",
      reason: outcome.ok ? "" : outcome.reason,
    });
    return outcome.ok;
  }

  record(happening: ContainerHappening): void {
    this.#world.record({ pod: this.#pod.name, container: this.spec.name, ...happening });
  }

  async #live(ending: AbortSignal): Promise<Exit> {
    this.#message.clear();
    const over = new AbortController();
    const start = startCommand(this.spec, this.#pod, this.#world, this.#message.path);
    const processes = new Processes(start, this.#output);
    this.#restarts++;
    const subject = {
      pod: this.#pod,
      processes,
      time: this.#world.time,
      life: over.signal,
    };
    this.#life = { subject };
    this.record({ kind: "container-started", pid: processes.pid, restarts: this.#restarts });
    const work = this.#serve(subject, ending).catch((error) => this.#world.fault(error));
    const exit = await processes.exited;
    const { stopping } = this.#life;
    this.#life = undefined;
    over.abort();
    const message = this.#message.read(exit.code, this.spec.fallsBackToLog ? this.log : undefined);
    this.#lastExit = { ...exit, message };
    this.record({ kind: "exited", ...this.#lastExit });
    this.#set(false, false);
    await Promise.all([work, stopping]);
    return exit;
  }

  /** What goes on beside the first process: postStart, then the probes. */
  async #serve(subject: Subject, ending: AbortSignal): Promise<void> {
    const { postStart, probes } = this.spec;
    const isFine = postStart === undefined ||
      await this.hook("postStart", postStart, subject, subject.life);
    this.#launched.resolve();
    if (!isFine) return await this.#kill("postStart hook failed", this.#grace);
    // Liveness and startup end with the pod's deletion, readiness goes on.
    const alive = AbortSignal.any([subject.life, ending]);
    if (probes.startup && !await this.#startUp(probes.startup, subject, alive)) return;
    if (subject.life.aborted) return;
    // An ordinary init container is never ready: it is done or not.
    if (this.spec.role === "init") return;
    this.#set(true, probes.readiness === undefined);
    await Promise.all([
      probes.readiness && this.#followReadiness(probes.readiness, subject),
      probes.liveness && this.#followLiveness(probes.liveness, subject, alive),
    ]);
  }

  async #startUp(probe: Probe, subject: Subject, signal: AbortSignal): Promise<boolean> {
    for await (const ok of this.#verdicts(probe, subject, signal)) {
      if (ok) return true;
      await this.#kill("startup probe failed", probe.grace ?? this.#grace);
      return false;
    }
    return false;
  }

  async #followReadiness(probe: Probe, subject: Subject): Promise<void> {
    for await (const ok of this.#verdicts(probe, subject, subject.life)) {
      if (!subject.life.aborted) this.#set(true, ok);
    }
  }

  async #followLiveness(probe: Probe, subject: Subject, signal: AbortSignal): Promise<void> {
    for await (const ok of this.#verdicts(probe, subject, signal)) {
      if (!ok) return await this.#kill("liveness probe failed", probe.grace ?? this.#grace);
    }
  }

  #verdicts(probe: Probe, subject: Subject, signal: AbortSignal): AsyncGenerator<boolean> {
    return verdicts({
      probe,
      subject,
      variables: staticVariables(this.spec),
      timeoutAtLeast: this.#world.probeTimeoutAtLeast,
      onFailure: (reason) => this.record({ kind: "probe-failed", probe: probe.kind, reason }),
    }, signal);
  }

  async #kill(reason: string, grace: number): Promise<void> {
    this.record({ kind: "killing", reason });
    await this.stop({ grace });
  }

  #set(isStarted: boolean, isReady: boolean): void {
    if (isStarted && !this.#isStarted) {
      this.record({ kind: "container-startup-done" });
      this.#startedUp.resolve();
    }
    const wasReady = this.#isReady;
    this.#isStarted = isStarted;
    this.#isReady = isReady;
    if (isReady !== wasReady) {
      this.record({ kind: isReady ? "container-ready" : "container-unready" });
      this.#onChange();
    }
  }
}
