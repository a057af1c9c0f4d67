/**
 * Time and chance. Every wait of the sidecar goes through here, so that each has an end, and so
 * that a simulation can put virtual time in the place of the real one.
 */
import { abortable } from "@std/async/abortable";
import type { Milliseconds } from "./duration.ts";

/** The port to time and chance. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): Milliseconds;
  /**
   * A signal that ends when the time is up, with a `TimeoutError` as its reason, or with the
   * first of the other signals, with that one's reason.
   */
  within(time: Milliseconds, ...signals: readonly AbortSignal[]): AbortSignal;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

/** The longest time that a timer can hold; longer ones fire at once. */
const LONGEST_TIMER: Milliseconds = 2 ** 31 - 1;

/** The real time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  within: (time, ...signals) => {
    const timeout = AbortSignal.timeout(Math.min(Math.max(0, Math.ceil(time)), LONGEST_TIMER));
    return signals.length === 0 ? timeout : anyOf(timeout, ...signals);
  },
  random: () => Math.random(),
};

/** Joined signals that have not ended. */
const joinedSignals = new Set<AbortSignal>();

/**
 * A signal that ends with the first of these, with its reason. It is kept until then: Deno 2.4 drops
 * what `AbortSignal.any` returns while a listener is still attached, and the wait would never end.
 */
export function anyOf(...signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  if (!signal.aborted) {
    joinedSignals.add(signal);
    signal.addEventListener("abort", () => joinedSignals.delete(signal), { once: true });
  }
  return signal;
}

/** Calls the listener when the signal ends, or at once where it has ended. */
export function whenEnded(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}

/** A signal that ends with the one that `next` gives when the first has ended. */
export function followedBy(first: AbortSignal, next: () => AbortSignal): AbortSignal {
  const end = new AbortController();
  whenEnded(first, () => {
    const last = next();
    whenEnded(last, () => end.abort(last.reason));
  });
  return end.signal;
}

/** Whether the signal, or an error it gave, says that a time was up. */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

/** Waits until the signal ends, whatever its reason: check the signal to know why. */
export async function sleep(signal: AbortSignal): Promise<void> {
  await abortable(new Promise<never>(() => {}), signal).catch(() => {});
}
