/** Time as the test cluster counts it: Kubernetes' seconds, each made shorter by one factor. */
import type { Milliseconds } from "../../lib/host/duration.ts";
import { pause } from "../emulator/pause.ts";

/** The clock of one cluster. */
export class Time {
  readonly #start = performance.now();
  /** By what each time of Kubernetes is divided. */
  readonly scale: number;

  /** @throws {RangeError} The scale is no positive number. */
  constructor(scale: number) {
    if (!(scale > 0)) throw new RangeError(`timeScale must be above 0, not ${scale}`);
    this.scale = scale;
  }

  /** Milliseconds since the cluster's start, as they are on the clock on the wall. */
  now(): Milliseconds {
    return performance.now() - this.#start;
  }

  /** How long so many seconds of Kubernetes last here. */
  scaled(seconds: number): Milliseconds {
    return seconds * 1_000 / this.scale;
  }

  /** Waits for so many seconds of Kubernetes; false if the signal ended the wait. */
  pause(seconds: number, signal: AbortSignal): Promise<boolean> {
    return pause(this.scaled(seconds), signal);
  }
}

/** A signal of its own for a piece of work, and its end after so many real milliseconds. */
export class Limit implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  readonly #onOuter = () => this.#controller.abort(this.#outer?.reason);
  #isOver = false;

  constructor(time: Milliseconds, outer?: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new DOMException("the time is up", "TimeoutError"));
    }, Math.max(0, time));
    if (outer?.aborted) this.#onOuter();
    outer?.addEventListener("abort", this.#onOuter, { once: true });
  }

  /** Ends when the time is up, or with the outer signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time was up, rather than the outer signal at its end. */
  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onOuter);
  }
}
