/** A container of a pod: its runs one after the other, its probes, its preStop hook, its end. */
import { pause, until } from "../emulator/pause.ts";
import { perform, type Run } from "./actions.ts";
import { expand, type Identity, variablesOf } from "./env.ts";
import type { ContainerHappening } from "./events.ts";
import { ManifestError } from "./fields.ts";
import { Processes, type Start } from "./processes.ts";
import type { ContainerSpec, Probe } from "./spec.ts";
import { Limit } from "./time.ts";
import type { World } from "./world.ts";

/** Between SIGTERM and SIGKILL lie so many seconds at least: kuberuntime_manager.go. */
const LEAST = 2;
/** The back-off's bounds, and how long a run resets it: pod-lifecycle.md. */
const BACK_OFF = { first: 10, longest: 300, resetAfter: 600 };

interface Current {
  readonly run: Run;
  /** The end that is under way, by whom. */
  ending?: { readonly by: "kubelet's kill" | "deletion"; readonly over: Promise<void> };
}

/** A container. */
export class Container {
  readonly spec: ContainerSpec;
  readonly #pod: Identity;
  readonly #world: World;
  readonly #grace: number;
  readonly #onChange: () => void;
  readonly #othersKilled: () => Promise<unknown>;
  readonly #started = Promise.withResolvers<void>();
  readonly #log: string[] = [];
  #current: Current | undefined;
  #nextRun = Promise.withResolvers<void>();
  #startsOnceMore = false;
  #restarts = -1;
  #isReady = false;

  /** @param grace The pod's grace period, in Kubernetes' seconds. */
  constructor(
    spec: ContainerSpec,
    { pod, world, grace, onChange, othersKilled }: {
      readonly pod: Identity;
      readonly world: World;
      readonly grace: number;
      readonly onChange: () => void;
      /** Resolves when the kubelet kills no other container of the pod. */
      readonly othersKilled: () => Promise<unknown>;
    },
  ) {
    this.spec = spec;
    this.#pod = pod;
    this.#world = world;
    this.#grace = grace;
    this.#onChange = onChange;
    this.#othersKilled = othersKilled;
  }

  /** The kubelet's kill that is under way, if any. */
  get kill(): Promise<void> | undefined {
    const { ending } = this.#current ?? {};
    return ending?.by === "kubelet's kill" ? ending.over : undefined;
  }

  /** Its output so far, that of earlier runs first. */
  get log(): readonly string[] {
    return [...this.#log, ...this.#current?.run.processes.log ?? []];
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The id of its first process, while it runs. */
  get pid(): number | undefined {
    return this.#current?.run.processes.pid;
  }

  /** Resolves when its startup probe has succeeded for the first time. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Waits for a line that the present run prints. */
  async line(pattern: RegExp): Promise<string> {
    return await this.#current?.run.processes.line(pattern) ?? "";
  }

  /** Runs again and again until the signal ends, which ends nothing itself: see `stop`. */
  async runUntil(deletion: AbortSignal): Promise<void> {
    let delay = 0;
    let isFirst = true;
    while (!deletion.aborted || this.#startsOnceMore) {
      this.#startsOnceMore = false;
      const began = this.#world.time.now();
      await this.#runOnce(deletion);
      if (this.#startsOnceMore) continue;
      if (deletion.aborted) return;
      const ran = (this.#world.time.now() - began) * this.#world.time.scale / 1_000;
      if (ran >= BACK_OFF.resetAfter) isFirst = true;
      delay = isFirst ? 0 : Math.min(delay === 0 ? BACK_OFF.first : 2 * delay, BACK_OFF.longest);
      isFirst = false;
      if (delay > 0) this.#record({ kind: "back-off", seconds: delay });
      const { time, restartAtLeast } = this.#world;
      await pause(Math.max(time.scaled(delay), restartAtLeast), deletion);
      // A kubelet syncs a pod in one piece: it starts nothing while it kills another container.
      await until(this.#othersKilled(), deletion);
    }
  }

  /**
   * Ends it for the pod's deletion. Where the kubelet was killing it already, that is brought to
   * its end first; then it starts once more, and is ended within a whole new grace period.
   * @param turn What has to be over before SIGTERM.
   */
  async stop(grace: number, turn?: Promise<unknown>): Promise<void> {
    const current = this.#current;
    if (!current) return;
    if (current.ending?.by === "kubelet's kill") {
      this.#startsOnceMore = true;
      const next = this.#nextRun.promise;
      await current.ending.over;
      if (!await until(next, this.#world.over)) return;
      return await this.stop(grace, turn);
    }
    current.ending ??= { by: "deletion", over: this.#end(current.run, grace, turn) };
    await current.ending.over;
  }

  /** Kills the first process from outside, as `kill -9` on the node does. */
  crash(): void {
    this.#current?.run.processes.signal("SIGKILL");
  }

  async #runOnce(deletion: AbortSignal): Promise<void> {
    const processes = new Processes(this.#start());
    const ended = new AbortController();
    const run = { pod: this.#pod, processes, alive: ended.signal };
    const current: Current = { run };
    this.#current = current;
    this.#restarts++;
    this.#record({ kind: "container-started", pid: processes.pid, restarts: this.#restarts });
    this.#nextRun.resolve();
    this.#nextRun = Promise.withResolvers();
    const probing = this.#follow(run, deletion).catch((error) => this.#world.fail(error));
    const code = await processes.exited;
    this.#current = undefined;
    ended.abort();
    this.#log.push(...processes.log);
    this.#record({ kind: "exited", code });
    this.#setReady(false);
    await Promise.all([probing, current.ending?.over]);
  }

  #start(): Start {
    const { image, env, name: container, args } = this.spec;
    const program = this.#world.images(image);
    if (!program) throw new ManifestError(`${container}: there is no program for image ${image}`);
    const variables = variablesOf(env, this.#pod);
    const expanded = args.map((arg) => expand(arg, variables));
    const rewritten = this.#world.rewrite(expanded, { container, image, pod: this.#pod });
    return {
      command: [...program.entrypoint, ...rewritten],
      env: new Map([...Object.entries(program.env ?? {}), ...variables]),
    };
  }

  /** preStop, its turn, SIGTERM, SIGKILL, all within one grace period. */
  async #end(run: Run, grace: number, turn?: Promise<unknown>): Promise<void> {
    const { time, over } = this.#world;
    const end = time.now() + time.scaled(grace);
    using limit = new Limit(time.scaled(grace), over);
    await this.#preStop(run, limit.signal);
    if (turn) await until(turn, limit.signal);
    const send = (signal: "SIGTERM" | "SIGKILL") => {
      if (run.alive.aborted) return;
      this.#record({ kind: "signal", signal });
      run.processes.signal(signal);
    };
    send("SIGTERM");
    using last = new Limit(Math.max(time.scaled(LEAST), end - time.now()), over);
    if (await until(run.processes.exited, last.signal)) return;
    send("SIGKILL");
    await run.processes.exited;
  }

  async #preStop(run: Run, signal: AbortSignal): Promise<void> {
    const { preStop } = this.spec;
    if (!preStop) return;
    this.#record({ kind: "hook-begun" });
    const { ok, reason } = await perform(preStop, { as: "hook", run, world: this.#world }, signal);
    const outcome = ok ? "done" : signal.aborted ? "abandoned" : "failed";
    this.#record({ kind: "hook-ended", outcome, reason });
  }

  /** Startup first, then the others; after the pod's deletion only readiness probes continue. */
  async #follow(run: Run, deletion: AbortSignal): Promise<void> {
    const { startup, readiness, liveness } = this.spec.probes;
    const untilDeletion = AbortSignal.any([run.alive, deletion]);
    if (startup) {
      const [ok] = await first(this.#verdicts(startup, run, untilDeletion));
      if (ok === undefined) return;
      if (!ok) return this.#kill("startup probe failed");
    }
    this.#started.resolve();
    this.#setReady(readiness === undefined);
    const probes: Promise<void>[] = [];
    if (readiness) {
      probes.push(this.#each(readiness, run, run.alive, (ok) => this.#setReady(ok)));
    }
    if (liveness) {
      probes.push(this.#each(liveness, run, untilDeletion, (ok) => {
        if (!ok) this.#kill("liveness probe failed");
      }));
    }
    await Promise.all(probes);
  }

  async #each(
    probe: Probe,
    run: Run,
    signal: AbortSignal,
    take: (ok: boolean) => void,
  ): Promise<void> {
    for await (const ok of this.#verdicts(probe, run, signal)) if (!run.alive.aborted) take(ok);
  }

  /** An item each time that as many results in a row as the threshold asks for agree. */
  async *#verdicts(probe: Probe, run: Run, signal: AbortSignal): AsyncGenerator<boolean> {
    const { time, probeTimeoutAtLeast } = this.#world;
    if (!await time.pause(probe.initialDelay, signal)) return;
    let last: boolean | undefined;
    let agreeing = 0;
    while (!signal.aborted) {
      const began = time.now();
      using limit = new Limit(Math.max(time.scaled(probe.timeout), probeTimeoutAtLeast), signal);
      const { ok, reason } = await perform(
        probe.action,
        { as: "probe", run, world: this.#world },
        limit.signal,
      );
      // What the end of the container cut short says nothing about it.
      if (signal.aborted) return;
      if (!ok) {
        const why = limit.isOver ? "probe timed out" : reason;
        this.#record({ kind: "probe-failed", probe: probe.kind, reason: why });
      }
      agreeing = ok === last ? agreeing + 1 : 1;
      last = ok;
      if (agreeing >= (ok ? probe.successThreshold : probe.failureThreshold)) yield ok;
      // A ticker's beats: the time that the attempt took is a part of the period.
      const left = probe.period - (time.now() - began) * time.scale / 1_000;
      if (!await time.pause(Math.max(0, left), signal)) return;
    }
  }

  #kill(reason: string): void {
    const current = this.#current;
    if (!current || current.ending) return;
    this.#record({ kind: "killing", reason });
    current.ending = { by: "kubelet's kill", over: this.#end(current.run, this.#grace) };
  }

  #setReady(isReady: boolean): void {
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    this.#onChange();
  }

  #record(happening: ContainerHappening): void {
    this.#world.record({ pod: this.#pod.name, container: this.spec.name, ...happening });
  }
}

async function first(items: AsyncIterable<boolean>): Promise<boolean[]> {
  for await (const item of items) return [item];
  return [];
}
