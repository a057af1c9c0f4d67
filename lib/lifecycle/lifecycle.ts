/** The lifecycle: which steps follow from the intent. `steps.ts` says what each of them does. */
import type { Config } from "../config/config.ts";
import { anyOf, sleep, whenEnded } from "../host/clock.ts";
import { Failure } from "../host/exit.ts";
import { isDrainAwaited, type ReturnReason, sinceOf } from "./intent.ts";
import { leftBehind, type LifecycleOutcome, outcomeOf, unconfirmed } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { Steps } from "./steps.ts";

const RETURNS: Readonly<Record<ReturnReason, string>> = {
  "requested": "a client requested it",
  "application-returned": "the application came back",
};

/** Runs one lifecycle, from the first call to the last. Never throws. */
export async function runLifecycle(config: Config, ports: Ports): Promise<LifecycleOutcome> {
  return await new Lifecycle(config, ports).run();
}

class Lifecycle {
  /** While it lasts, the application's return is watched for. */
  #away: AbortSignal | undefined;
  /** What a stop ends with, if all goes well. */
  #stopped = "stopped before anything was registered";
  /** What the process before this one may have left registered. */
  #leftBehind: LifecycleOutcome | undefined;
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #steps: Steps;

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#steps = new Steps(config, ports);
  }

  /** Does what the intent calls for, until nothing is left to do. */
  async run(): Promise<LifecycleOutcome> {
    if (this.#ports.intent.wasDraining) await this.#guard(() => this.#takeOver());
    while (true) {
      const intent = this.#ports.intent.now;
      switch (intent.state) {
        case "serving":
          await this.#guard(() => this.#serve());
          break;
        case "draining":
          await this.#guard(() => this.#drain());
          break;
        case "drained":
          await this.#idle();
          break;
        case "returning":
          this.#begin(intent.reason);
          break;
        case "stopping":
          return this.#end(await this.#stop().then(() => intent.cause, (error) => error));
        case "ended":
          throw new Error("the lifecycle has ended already");
      }
    }
  }

  /** The process before this one has left its target, and was killed before it could confirm more. */
  async #takeOver(): Promise<void> {
    try {
      await this.#steps.takeOver();
    } catch (cause) {
      this.#leftBehind = leftBehind(this.#config, cause);
      throw cause;
    }
  }

  /** From the first step to serving, and until the intent changes. */
  async #serve(): Promise<void> {
    const stop = this.#ports.intent.whileIn("serving");
    whenEnded(stop, () => this.#leaves());
    try {
      await this.#steps.resolve(stop);
      await this.#steps.waitForApplication(stop);
      await this.#steps.preRegister(stop);
      await this.#steps.register(stop);
      await this.#steps.waitInService(stop);
      await this.#steps.postRegister(stop);
      await this.#steps.serve(stop);
      await this.#steps.preDeregister();
    } catch (reason) {
      // A step that failed while the intent changed has no say any more.
      if (!stop.aborted || !(reason === stop.reason || reason instanceof Failure)) throw reason;
    }
  }

  /** For `/drain`: the pod keeps running, or is about to be stopped. */
  async #drain(): Promise<void> {
    this.#watchForReturn();
    await this.#deregister();
    await this.#finishDrain();
    await this.#steps.postDeregister();
  }

  /** For a stop signal, or a step that failed. */
  async #stop(): Promise<void> {
    const hadDeregistered = this.#steps.hasDeregistered;
    await this.#deregister();
    const isDrained = this.#isDrainToBeFinished();
    if (isDrained) await this.#finishDrain();
    else if (!hadDeregistered && this.#steps.hasDeregistered) {
      this.#ports.observer?.onUndrainedStop?.();
    }
    await this.#steps.postDeregister();
    // Requested while the hook ran: its client relies on the drain as any other does.
    if (isDrainAwaited(this.#ports.intent.now)) await this.#finishDrain();
    else if (!isDrained && !hadDeregistered && this.#steps.hasDeregistered) this.#missesDrain();
  }

  /** A stop without a drain, where a hook may be expected to call `/drain` first. */
  #missesDrain(): void {
    const { log, intent: { now } } = this.#ports;
    const isDone = now.state === "stopping" && outcomeOf(now.cause, "").exit === "done";
    if (this.#config.service === undefined || !isDone) return;
    log.warn(
      "deregistered without a drain, as no client called /drain before the stop signal: let the application's preStop hook call it, or set -wait-drained",
    );
  }

  async #idle(): Promise<void> {
    const { progress, intent, onIdle } = this.#ports;
    this.#watchForReturn();
    progress.enter("drained");
    onIdle?.();
    await sleep(intent.whileIn("drained"));
  }

  #begin(reason: ReturnReason): void {
    const { log, intent } = this.#ports;
    log.info(`registering again: ${RETURNS[reason]}`);
    this.#steps.begin();
    intent.send({ event: "begun" });
  }

  /** What may be left registered outweighs all else. */
  #end(cause: unknown): LifecycleOutcome {
    const { progress } = this.#ports;
    const left = unconfirmed(progress.registrations) ?? this.#leftBehind;
    const isDrained = left === undefined &&
      progress.registrations.every(({ membership }) => membership.at === "absent");
    this.#ports.intent.send({
      event: "ended",
      outcome: isDrained
        ? { outcome: "drained" }
        : { outcome: "failed", reason: left?.message ?? "the sidecar has ended before the drain" },
    });
    progress.enter("ended");
    return left ?? outcomeOf(cause, this.#stopped);
  }

  /** What a step throws ends the lifecycle, in order. */
  async #guard(step: () => Promise<void>): Promise<void> {
    const { intent, clock } = this.#ports;
    try {
      await step();
    } catch (cause) {
      intent.send({ event: "failed", at: clock.now(), cause });
    }
  }

  #leaves(): void {
    const { intent, log } = this.#ports;
    if (intent.now.state !== "draining") return;
    log.info("drain requested");
    this.#watchForReturn();
  }

  async #deregister(): Promise<void> {
    const { intent, observer, clock } = this.#ports;
    const { now } = intent;
    const hadDeregistered = this.#steps.hasDeregistered;
    await this.#steps.deregister();
    if (hadDeregistered || !this.#steps.hasDeregistered) return;
    this.#stopped = "stopped: the target is deregistered";
    const since = sinceOf(now);
    if (since !== undefined) observer?.onDeregistered?.(clock.now() - since);
  }

  #isDrainToBeFinished(): boolean {
    const { now } = this.#ports.intent;
    if (now.state !== "stopping") return false;
    const isDone = outcomeOf(now.cause, "").exit === "done";
    return now.drain === "awaited" || (now.drain === "none" && this.#config.drain.wait && isDone);
  }

  async #finishDrain(): Promise<void> {
    const outcome = await this.#steps.untilDrained();
    this.#ports.intent.send({ event: "drain-ended", outcome });
  }

  /** Once for each time that the target is away: it is to be registered again, unless drained since. */
  #watchForReturn(): void {
    if (this.#away !== undefined && !this.#away.aborted) return;
    this.#away = this.#ports.intent.whileIn("draining", "drained");
    this.#sendReturns(this.#away);
  }

  async #sendReturns(away: AbortSignal): Promise<void> {
    const { application, intent } = this.#ports;
    while (!away.aborted) {
      // A drain requested since is one of the application that runs now, as soon as one does.
      const signal = anyOf(away, intent.nextDrain);
      try {
        await application.restarted(signal);
        if (!signal.aborted) intent.send({ event: "application-returned" });
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
    }
  }
}
