/** Whether the application answers now: one check for all callers, for `/target` and restarts. */
import type { ApplicationAddress } from "../config/addresses.ts";
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import {
  type Answer,
  CHECK_INTERVAL,
  CHECK_TIMEOUT,
  type Probe,
  probe as realProbe,
} from "./probe.ts";

/**
 * Slow or unready answers alone, for so long, count as gone. One alone does not: an application that
 * is busy while it drains must not be taken for one that was restarted.
 */
const UNREADY_IS_GONE: Milliseconds = 2_000;

/**
 * How often it is checked for having gone away. The kubelet starts a container again at once, so that
 * a quick application is back after less than a second; missed, its pod would stay unregistered.
 */
const GLANCE: Milliseconds = 200;

/** What the monitor needs of the world. */
export interface MonitorPorts {
  readonly clock: Clock;
  /** Stands in for real connections. */
  readonly probe?: Probe;
}

/** One check of all addresses. */
interface Round {
  readonly startedAt: Milliseconds;
  readonly answers: Promise<readonly Answer[]>;
}

/** Checks all addresses together, at most once a second, and more often while it may go away. */
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
   * Whether all addresses answer; true where there are none. The answer comes from a check that
   * began a second ago at most when it was requested, and that takes a second at most; so it is
   * never older than two. Never rejects.
   */
  async answers(): Promise<boolean> {
    return (await this.#check(CHECK_INTERVAL).answers).every(isReady);
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
   * Waits until the application has gone away: nobody takes connections at one of its addresses,
   * or it was slow or not ready for two seconds. Checks five times a second.
   * @throws The signal's reason.
   */
  async untilGone(signal: AbortSignal): Promise<void> {
    let unreadySince: Milliseconds | undefined;
    await this.#watch(signal, GLANCE, (answers) => {
      const now = this.#clock.now();
      unreadySince = answers.every(isReady) ? undefined : unreadySince ?? now;
      const isUnready = unreadySince !== undefined && now - unreadySince >= UNREADY_IS_GONE;
      return isUnready || answers.some(({ outcome }) => outcome === "absent");
    });
  }

  /** Waits until all addresses answer. Checks once a second. @throws The signal's reason. */
  async untilBack(signal: AbortSignal): Promise<void> {
    await this.#watch(signal, CHECK_INTERVAL, (answers) => answers.every(isReady));
  }

  /** Gives the answers of check after check, until they are what is waited for. */
  async #watch(
    signal: AbortSignal,
    every: Milliseconds,
    isIt: (answers: readonly Answer[]) => boolean,
  ): Promise<void> {
    while (!signal.aborted) {
      const { answers } = this.#check(every);
      // Begun after the check, it ends when that is too old: none is used twice.
      const next = this.#clock.within(every, signal);
      const isEnd = isIt(await answers);
      if (signal.aborted) break;
      if (isEnd) return;
      await sleep(next);
    }
    throw signal.reason;
  }

  /** The check that is under way or young enough, or a new one. */
  #check(every: Milliseconds): Round {
    const now = this.#clock.now();
    if (this.#round === undefined || now - this.#round.startedAt >= every) {
      this.#round = { startedAt: now, answers: this.#checkAll() };
    }
    return this.#round;
  }

  #checkAll(): Promise<readonly Answer[]> {
    const signal = this.#clock.within(CHECK_TIMEOUT);
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
