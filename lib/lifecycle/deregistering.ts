/** The end of a cycle: deregistering, confirming that, and waiting until the target is drained. */
import type { Config } from "../config/config.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { DrainEnd } from "./status.ts";
import { type DrainResult, endpoints, waitDrained } from "../registration/drain.ts";
import type { GracePeriod } from "../registration/grace_period.ts";
import type { Registration } from "../registration/registration.ts";
import { unconfirmed } from "./outcome.ts";
import type { Ports } from "./ports.ts";

/** All registrations of a life, as they leave. */
export class Leaving implements AsyncDisposable {
  /** None before the groups are resolved. */
  readonly #find: () => readonly Registration[];
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #grace: GracePeriod;

  constructor(
    find: () => readonly Registration[],
    { config, ports, grace }: { config: Config; ports: Ports; grace: GracePeriod },
  ) {
    this.#find = find;
    this.#config = config;
    this.#ports = ports;
    this.#grace = grace;
  }

  get #registrations(): readonly Registration[] {
    return this.#find();
  }

  /** Whether there was nothing to deregister at the end of the cycle. */
  get wereNeverRegistered(): boolean {
    return this.#registrations.every(({ departure }) => departure.outcome === "never-registered");
  }

  /** Ends all registrations at once: one that hangs does not hold back the others. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isNeeded = this.#registrations.some(({ isAbsent }) => !isAbsent);
    if (isNeeded) this.#ports.board.enter("deregistering");
    await Promise.all(this.#registrations.map((one) => one[Symbol.asyncDispose]()));
  }

  /** When the last group let go. */
  get #goneSince(): Milliseconds {
    return Math.max(...this.#registrations.map(({ goneAt }) => goneAt));
  }

  /**
   * Waits until the target is drained; registered again by somebody else, it is deregistered again.
   */
  async untilDrained(): Promise<DrainEnd> {
    const { clock, log, board, signals } = this.#ports;
    const { timeout, minTime } = this.#config.drain;
    const endsAt = clock.now() + this.#grace.clip(timeout);
    while (true) {
      board.drains({ since: this.#goneSince, atLeast: minTime });
      const left = unconfirmed(this.#registrations);
      if (left !== undefined) return { outcome: "failed", reason: left.sentence };
      if (signals.forcedStop.aborted) return CUT_SHORT;
      board.enter("draining");
      const result = await this.#wait(endsAt - clock.now());
      switch (result.outcome) {
        case "drained":
          board.drained();
          return { outcome: "drained" };
        case "cut-short":
          return CUT_SHORT;
        case "timed-out":
          log.warn(result.reason);
          return { outcome: "failed", reason: result.reason };
        case "registered":
          await this.#deregisterAgain(result);
      }
    }
  }

  async #wait(timeout: Milliseconds): Promise<DrainResult> {
    const { elb, clock, log, signals } = this.#ports;
    const { minTime, idleTime } = this.#config.drain;
    return await waitDrained(this.#registrations, {
      ...{ elb, clock, log },
      since: this.#goneSince,
      rules: { minTime, idleTime, timeout },
      connections: this.#counter(),
      forcedStop: signals.forcedStop,
    });
  }

  /** Counts the connections to all ports of the target. */
  #counter(): (() => number) | undefined {
    const { connections } = this.#ports;
    const each = endpoints(this.#registrations);
    if (!this.#config.drain.idle || connections === undefined || each.length === 0) {
      return undefined;
    }
    return () => each.reduce((sum, { id, port }) => sum + connections(id, port), 0);
  }

  async #deregisterAgain(
    { attachment }: Extract<DrainResult, { outcome: "registered" }>,
  ): Promise<void> {
    const registration = this.#registrations.find((one) => one === attachment);
    this.#ports.log.warn(
      "somebody registered the target again while it drained: deregistering it again",
      registration?.fields,
    );
    registration?.found();
    await this[Symbol.asyncDispose]();
  }
}

const CUT_SHORT: DrainEnd = {
  outcome: "failed",
  reason: "a second stop signal ended the wait: the target is deregistered, perhaps not drained",
};
