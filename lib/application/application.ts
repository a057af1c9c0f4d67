/** The application in the pod (`-wait-for`): whether it answers, and whether it has restarted. */
import { abortable } from "@std/async/abortable";
import type { ApplicationAddress } from "../config/addresses.ts";
import { type Clock, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import type { Log } from "../host/log.ts";
import { type Answer, CHECK, NO_ANSWER, type Probe, probe as realProbe } from "./probe.ts";

/**
 * An application has gone when one of its addresses refuses connections for so long. Slow answers,
 * and those that say "not ready", mean nothing: an application that is busy while its pod drains has
 * not restarted. The kubelet takes longer than this to start a container again.
 */
const REFUSED_IS_GONE: Milliseconds = 400;

/**
 * For so long it has to answer before it counts as back. A pod that is deleted while its application
 * is being restarted sees it start once more, and its preStop hook run again right after that
 * (measured, kubelet 1.32).
 */
const BACK_FOR: Milliseconds = 5_000;

/** How often the application is checked for having gone. A refused connection costs next to nothing. */
const GONE_INTERVAL: Milliseconds = 200;

/** What the application is, and what checking it needs of the world. */
export interface ApplicationOptions {
  /** `-wait-for`; empty: nothing is known of the application. */
  readonly addresses: readonly ApplicationAddress[];
  /** `-wait-for-timeout`. */
  readonly timeout: Milliseconds;
  readonly clock: Clock;
  readonly log: Log;
  /** By which names and addresses the pod reaches itself. */
  readonly podHosts?: readonly string[];
  /** Stands in for real connections. */
  readonly probe?: Probe;
}

/** What one address answered. */
type Checked = Answer & { readonly url: string };

/** One check of all addresses. */
interface Round {
  readonly startedAt: Milliseconds;
  readonly answers: Promise<readonly Checked[]>;
}

/** Checks all addresses together: about five times a second at most, whoever calls. */
export class Application {
  readonly #options: ApplicationOptions;
  readonly #unchecked: readonly Checked[];
  #last: readonly Checked[];
  #round: Round;
  /** How many connections the checks have made to ports of the pod. */
  connectionsInPod = 0;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#last = this.#unchecked = options.addresses.map(({ url }) => ({ ...NO_ANSWER, url }));
    this.#round = { startedAt: -Infinity, answers: Promise.resolve(this.#last) };
  }

  /**
   * Waits until all addresses answer at once; not at all where there are none.
   * @throws {Failure} `applicationNeverReady`, naming each address that did not answer, and why.
   * @throws The reason of `stop`.
   */
  async wait(stop: AbortSignal): Promise<void> {
    const { addresses, timeout, clock, log } = this.#options;
    if (addresses.length === 0) return;
    const urls = addresses.map(({ url }) => url);
    log.info("waiting for the application", { wait_for: urls, timeout: durationText(timeout) });
    const startedAt = clock.now();
    const deadline = clock.within(timeout, stop);
    let last = this.#unchecked;
    try {
      await this.#watch(deadline, CHECK.interval, (answers) => {
        this.#logChanges(answers, last, clock.now() - startedAt);
        last = answers;
        return answers.every(isReady);
      });
    } catch (reason) {
      throw stop.aborted && reason === stop.reason ? reason : this.#neverReady(last);
    }
  }

  /**
   * Waits until it has gone, and has come back for good: for ever, where nothing is known of it.
   * @throws The signal's reason.
   */
  async restarted(signal: AbortSignal): Promise<void> {
    const { addresses, log } = this.#options;
    if (addresses.length === 0) await sleep(signal);
    const refusedSince = new Map<string, Milliseconds>();
    await this.#watch(signal, GONE_INTERVAL, (answers, startedAt) => {
      for (const { url, outcome } of answers) {
        if (outcome !== "refused") refusedSince.delete(url);
        else if (!refusedSince.has(url)) refusedSince.set(url, startedAt);
      }
      return [...refusedSince.values()].some((since) => startedAt - since >= REFUSED_IS_GONE);
    });
    log.info("the application has gone away");
    let readySince: Milliseconds | undefined;
    await this.#watch(signal, CHECK.interval, (answers, startedAt) => {
      readySince = answers.every(isReady) ? readySince ?? startedAt : undefined;
      return readySince !== undefined && startedAt - readySince >= BACK_FOR;
    });
  }

  /**
   * Whether all addresses answer; true where there are none. The answer is never older than two
   * seconds: a check is at most a second old when it is used, and takes a second at most. Never
   * rejects.
   */
  async answers(): Promise<boolean> {
    return (await this.#check(CHECK.interval).answers).every(isReady);
  }

  /** Whether each address answered at its last check; false before the first. */
  last(): { readonly url: string; readonly ready: boolean }[] {
    return this.#last.map((answer) => ({ url: answer.url, ready: isReady(answer) }));
  }

  /**
   * Makes check after check until the answers are as wanted. The first one is new: an older one tells
   * of an application that may have gone, or come back, since.
   * @throws The signal's reason.
   */
  async #watch(
    signal: AbortSignal,
    interval: Milliseconds,
    isWanted: (answers: readonly Checked[], startedAt: Milliseconds) => boolean,
  ): Promise<void> {
    for (let oldest = 0;; oldest = interval) {
      signal.throwIfAborted();
      const { answers, startedAt } = this.#check(oldest);
      // Begun after the check, it ends when that is too old: none counts twice.
      const next = this.#options.clock.within(interval, signal);
      const isEnd = isWanted(await abortable(answers, signal), startedAt);
      signal.throwIfAborted();
      if (isEnd) return;
      await sleep(next);
    }
  }

  /** The last check, if it is young enough, or a new one. */
  #check(oldest: Milliseconds): Round {
    const now = this.#options.clock.now();
    if (now - this.#round.startedAt >= oldest) {
      this.#round = { startedAt: now, answers: this.#checkAll() };
    }
    return this.#round;
  }

  async #checkAll(): Promise<readonly Checked[]> {
    const { addresses, clock, podHosts = [], probe = realProbe } = this.#options;
    const signal = clock.within(CHECK.timeout);
    return this.#last = await Promise.all(addresses.map(async (address) => {
      const { url } = address;
      const answer = { ...await probe(address, signal), url };
      const host = new URL(url).hostname.replaceAll(/[[\]]/g, "");
      if (answer.outcome !== "refused" && podHosts.includes(host)) this.connectionsInPod++;
      return answer;
    }));
  }

  #logChanges(answers: readonly Checked[], before: readonly Checked[], after: Milliseconds): void {
    const { log } = this.#options;
    for (const answer of answers) {
      const { url } = answer;
      const wasReady = before.some((one) => one.url === url && isReady(one));
      if (answer.outcome !== "ready") {
        const message = wasReady ? "the application stopped answering" : "no answer yet";
        log[wasReady ? "info" : "debug"](message, { wait_for: url, reason: answer.reason });
      } else if (!wasReady) {
        log.info("the application answers", { wait_for: url, after: durationText(after) });
      }
    }
  }

  #neverReady(answers: readonly Checked[]): Failure {
    const complaints = answers.flatMap((one) =>
      one.outcome === "ready" ? [] : [`${one.url} (${one.reason})`]
    );
    return new Failure(
      "applicationNeverReady",
      `the application did not answer within ${durationText(this.#options.timeout)} ` +
        `(-wait-for-timeout): ${complaints.join(", ")}`,
    );
  }
}

function isReady({ outcome }: Answer): boolean {
  return outcome === "ready";
}
