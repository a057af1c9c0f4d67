/** The life of one sidecar: each step is a line here, what it does is told in `life/steps.ts`. */
import type { Config } from "../config/config.ts";
import { anyOf, sleep, whenEnded } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { type Ending, endingOf, unconfirmed } from "./outcome.ts";
import type { Ports } from "./ports.ts";
import { DrainRequested } from "./intent.ts";
import { Steps } from "./steps.ts";
import { GracePeriod } from "../registration/grace_period.ts";

export type { Ending, Ports };

const DEREGISTERED = "stopped: the target is deregistered";
const NOT_REGISTERED = "stopped before anything was registered";

/** Lives one life: from the first call to the last. Never throws. */
export async function live(config: Config, ports: Ports): Promise<Ending> {
  const sidecar = new Sidecar(config, ports);
  let end = await sidecar.cycle();
  while (end === "drained") end = await sidecar.untilWanted() ?? await sidecar.cycle();
  return sidecar.last(end);
}

class Sidecar {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #grace: GracePeriod;
  readonly #steps: Steps;
  /** Ends the upper row: a stop signal, or a drain. */
  #stop: AbortSignal;
  #stoppedAt: Milliseconds = 0;
  /** Ends when nobody waits any more for the application to come back. */
  #restartWatch = new AbortController();

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#grace = new GracePeriod(config.gracePeriod, ports.clock, ports.log);
    this.#steps = new Steps(config, ports, this.#grace);
    this.#stop = ports.signals.stop;
  }

  /** From the start to the target's end; `drained` where the pod lives on after it. */
  async cycle(): Promise<Ending | "drained"> {
    this.#begin();
    const reason = await this.#stay();
    const isNothingLeft = this.#steps.leaving.wereNeverRegistered;
    const end = this.#endOf(reason, isNothingLeft ? NOT_REGISTERED : DEREGISTERED);
    await this.#leave(end);
    return end === "drained" ? this.#endOf(this.#stop.reason, DEREGISTERED) : end;
  }

  /** Waits until the target is to be registered again; the ending, where it is not any more. */
  async untilWanted(): Promise<Ending | undefined> {
    const { signals, requests, board, log, rest } = this.#ports;
    const { leaving } = this.#steps;
    while (true) {
      board.enter("drained");
      rest?.();
      await sleep(anyOf(signals.stop, requests.again, requests.asked));
      if (signals.stop.aborted || requests.isDrainAwaited) {
        // What could not be confirmed the last time may be now.
        await leaving[Symbol.asyncDispose]();
        if (requests.isDrainAwaited) requests.ended(await leaving.untilDrained());
        if (signals.stop.aborted) return endingOf(signals.stop.reason, DEREGISTERED);
        continue;
      }
      log.info(`registering again: ${requests.again.reason}`);
      this.#restartWatch.abort();
      requests.begin();
      return undefined;
    }
  }

  /** The last word: what may be left registered outweighs all else. */
  last(end: Ending): Ending {
    const { requests, board } = this.#ports;
    this.#restartWatch.abort();
    const left = unconfirmed(this.#steps.registrations);
    requests.ended(
      left === undefined ? { outcome: "drained" } : { outcome: "failed", reason: left.sentence },
    );
    board.enter("ended");
    return left ?? end;
  }

  #begin(): void {
    const { signals, requests, board, clock, log } = this.#ports;
    board.begin();
    this.#grace.reset();
    this.#restartWatch = new AbortController();
    this.#stop = anyOf(signals.stop, requests.leave);
    whenEnded(this.#stop, () => {
      this.#stoppedAt = clock.now();
      this.#grace.begin();
      if (signals.stop.aborted) return;
      log.info("a drain is asked for");
      this.#watchForReturn(this.#restartWatch.signal);
    });
  }

  /** An application that comes back is to be registered again, unless a drain is asked for since. */
  async #watchForReturn(signal: AbortSignal): Promise<void> {
    const { application, requests } = this.#ports;
    try {
      while (!signal.aborted) {
        await application.restarted(signal);
        signal.throwIfAborted();
        requests.register("the application came back");
      }
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }

  /**
   * From the first step to deregistered, and why it came to that: whatever happens in between, the
   * end of the scope runs.
   */
  async #stay(): Promise<unknown> {
    await using _ = this.#steps.leaving;
    try {
      await this.#steps.resolve(this.#stop);
      await this.#steps.waitForApplication(this.#stop);
      await this.#steps.preRegister(this.#stop);
      await this.#steps.register(this.#stop);
      await this.#steps.waitInService(this.#stop);
      await this.#steps.postRegister(this.#stop);
      await this.#steps.serve(this.#stop);
      await this.#steps.preDeregister();
      return this.#stop.reason;
    } catch (reason) {
      return reason;
    }
  }

  /** What is left to do when all registrations have ended. */
  async #leave(end: Ending | "drained"): Promise<void> {
    const { requests, clock, observer } = this.#ports;
    const { leaving } = this.#steps;
    if (leaving.wereNeverRegistered) {
      if (end === "drained") requests.ended({ outcome: "drained" });
      return;
    }
    if (this.#stop.aborted) observer?.onLeft?.(clock.now() - this.#stoppedAt);
    const isLeaving = end === "drained" || end.exit === "done";
    if (requests.isDrainAwaited || (isLeaving && this.#config.drain.wait)) {
      requests.ended(await leaving.untilDrained());
    }
    await this.#steps.postDeregister();
    // Asked for while the hook ran: its caller relies on the drain as any other does.
    if (requests.isDrainAwaited) requests.ended(await leaving.untilDrained());
  }

  /** A drain ends no life, unless a stop has come since. */
  #endOf(reason: unknown, stopped: string): Ending | "drained" {
    const { stop } = this.#ports.signals;
    if (!(reason instanceof DrainRequested)) return endingOf(reason, stopped);
    return stop.aborted ? endingOf(stop.reason, stopped) : "drained";
  }
}
