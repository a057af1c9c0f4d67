/** Whether the application answers now: one check for all callers, for `/target` and restarts. */
import { abortable } from "@std/async/abortable";
import type { ApplicationAddress } from "../config/addresses.ts";
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { type Answer, CHECK, type Probe, probe as realProbe } from "./probe.ts";

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

/** What the monitor needs of the world. */
export interface MonitorPorts {
  readonly clock: Clock;
  /** Stands in for real connections. */
  readonly probe?: Probe;
}

/** One check of all addresses; `answers` in their order. */
interface Round {
  readonly startedAt: Milliseconds;
  readonly answers: Promise<readonly Answer[]>;
}

/** Checks all addresses together: at most five times a second, however many callers there are. */
export class ApplicationMonitor {
  readonly #addresses: readonly ApplicationAddress[];
  readonly #clock: Clock;
  readonly #probe: Probe;
  readonly #last: Map<string, boolean>;
  #round: Round | undefined;

  constructor(
    addresses: readonly ApplicationAddress[],
    { clock, probe = realProbe }: MonitorPorts,
  ) {
    this.#addresses = addresses;
    this.#clock = clock;
    this.#probe = probe;
    this.#last = new Map(addresses.map(({ url }) => [url, false]));
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
    return [...this.#last].map(([url, ready]) => ({ url, ready }));
  }

  /** Records an answer from a check elsewhere, for `last` to report. */
  record(url: string, ready: boolean): void {
    this.#last.set(url, ready);
  }

  /**
   * Waits until the application has gone, and has come back for good: for ever, where there is none.
   * @param onGone Called when it has gone.
   * @throws The signal's reason.
   */
  async restarted(signal: AbortSignal, onGone: () => void = () => {}): Promise<void> {
    if (this.#addresses.length === 0) await sleep(signal);
    const refusedSince = new Map<number, Milliseconds>();
    await this.#watch(signal, GONE_INTERVAL, (answers, startedAt) => {
      answers.forEach(({ outcome }, index) => {
        if (outcome !== "refused") refusedSince.delete(index);
        else if (!refusedSince.has(index)) refusedSince.set(index, startedAt);
      });
      return [...refusedSince.values()].some((since) => startedAt - since >= REFUSED_IS_GONE);
    });
    onGone();
    let readySince: Milliseconds | undefined;
    await this.#watch(signal, CHECK.interval, (answers, startedAt) => {
      readySince = answers.every(isReady) ? readySince ?? startedAt : undefined;
      return readySince !== undefined && startedAt - readySince >= BACK_FOR;
    });
  }

  /**
   * Makes check after check until the answers are as wanted. One from before tells of an application
   * that may have gone, or come back, since.
   */
  async #watch(
    signal: AbortSignal,
    interval: Milliseconds,
    isWanted: (answers: readonly Answer[], startedAt: Milliseconds) => boolean,
  ): Promise<void> {
    const began = this.#clock.now();
    while (true) {
      signal.throwIfAborted();
      const { answers, startedAt } = this.#check(interval);
      // Begun after the check, it ends when that is too old: none counts twice.
      const next = this.#clock.within(interval, signal);
      const given = await abortable(answers, signal);
      if (startedAt >= began && isWanted(given, startedAt)) return;
      await sleep(next);
    }
  }

  /** The check that is under way or young enough, or a new one. */
  #check(interval: Milliseconds): Round {
    const now = this.#clock.now();
    if (this.#round === undefined || now - this.#round.startedAt >= interval) {
      this.#round = { startedAt: now, answers: this.#checkAll() };
    }
    return this.#round;
  }

  #checkAll(): Promise<readonly Answer[]> {
    const signal = this.#clock.within(CHECK.timeout);
    return Promise.all(this.#addresses.map(async (address) => {
      const answer = await this.#probe(address, signal);
      this.#last.set(address.url, isReady(answer));
      return answer;
    }));
  }
}

function isReady({ outcome }: Answer): boolean {
  return outcome === "ready";
}
