/** Waiting until the application answers, before its target is registered (`-wait-for`). */
import type { ApplicationAddress } from "../config/addresses.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import type { Log } from "../host/log.ts";
import { type Answer, CHECK, type Probe, probe as realProbe } from "./probe.ts";

/** Ports and parameters of the wait. */
export interface WaitOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How long to wait at most. */
  readonly time: Milliseconds;
  /** Cuts the wait short; its reason is thrown. */
  readonly stop: AbortSignal;
  /** Gets each answer. */
  readonly onAnswer?: (url: string, ready: boolean) => void;
  /** Stands in for real connections. */
  readonly probe?: Probe;
}

/**
 * Checks all addresses side by side, about once a second, until all of them answer at once.
 * @throws {Failure} `applicationNeverReady`, naming each address that did not answer, and why.
 * @throws The reason of `stop`.
 */
export async function waitForApplication(
  addresses: readonly ApplicationAddress[],
  options: WaitOptions,
): Promise<void> {
  if (addresses.length === 0) return;
  const { clock, log, time, stop } = options;
  const urls = addresses.map(({ url }) => url);
  log.info("waiting for the application", { wait_for: urls, timeout: durationText(time) });
  const deadline = clock.within(time, stop);
  const waiting = addresses.map((address) => new Waiting(address, options));
  while (true) {
    const next = clock.within(CHECK.interval, deadline);
    const signal = clock.within(CHECK.timeout, deadline);
    await Promise.all(waiting.map((one) => one.check(signal, deadline)));
    if (waiting.every(({ isReady }) => isReady)) break;
    if (!deadline.aborted) await sleep(next);
    if (deadline.aborted) throw neverReady(waiting, deadline, time);
  }
  stop.throwIfAborted();
}

/** One address that is waited for. */
class Waiting {
  readonly #address: ApplicationAddress;
  readonly #options: WaitOptions;
  readonly #started: Milliseconds;
  #last: Answer | undefined;

  constructor(address: ApplicationAddress, options: WaitOptions) {
    this.#address = address;
    this.#options = options;
    this.#started = options.clock.now();
  }

  get isReady(): boolean {
    return this.#last?.outcome === "ready";
  }

  /** "URL (why not)", where it did not answer. */
  get complaint(): string | undefined {
    if (this.#last?.outcome === "ready") return undefined;
    return `${this.#address.url} (${this.#last?.reason ?? "not checked"})`;
  }

  async check(signal: AbortSignal, deadline: AbortSignal): Promise<void> {
    const { url } = this.#address;
    const { clock, log, onAnswer, probe = realProbe } = this.#options;
    const answer = await probe(this.#address, signal);
    const isReady = answer.outcome === "ready";
    // A check that the end of the wait cut short tells less than the one before it.
    if (!isReady && deadline.aborted && this.#last !== undefined) return;
    const wasReady = this.isReady;
    this.#last = answer;
    onAnswer?.(url, isReady);
    if (isReady && !wasReady) {
      log.info("the application answers", {
        wait_for: url,
        after: durationText(clock.now() - this.#started),
      });
    } else if (!isReady) {
      const message = wasReady ? "the application stopped answering" : "no answer yet";
      log[wasReady ? "info" : "debug"](message, { wait_for: url, reason: answer.reason });
    }
  }
}

function neverReady(
  waiting: readonly Waiting[],
  deadline: AbortSignal,
  time: Milliseconds,
): unknown {
  if (!isTimeout(deadline.reason)) return deadline.reason;
  const complaints = waiting.flatMap(({ complaint }) => complaint ?? []);
  return new Failure(
    "applicationNeverReady",
    `the application did not answer within ${durationText(time)} (-wait-for-timeout): ` +
      complaints.join(", "),
  );
}
