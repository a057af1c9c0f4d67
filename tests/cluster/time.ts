/** Time as the test cluster counts it: Kubernetes' seconds, each made shorter by one factor. */
import { pause } from "../emulator/pause.ts";

/** The clock of one cluster. */
export class Time {
  readonly #start = performance.now();
  /** By what each time of Kubernetes is divided. */
  readonly scale: number;

  constructor(scale: number) {
    this.scale = scale;
  }

  /** Real milliseconds since the cluster's start. */
  now(): number {
    return performance.now() - this.#start;
  }

  /** How many real milliseconds so many seconds of Kubernetes last here. */
  scaled(seconds: number): number {
    return seconds * 1_000 / this.scale;
  }

  /** Waits for so many seconds of Kubernetes; false if the signal ended the wait. */
  pause(seconds: number, signal: AbortSignal): Promise<boolean> {
    return pause(this.scaled(seconds), signal);
  }
}

/** A signal of its own for a piece of work, and its end after so many real milliseconds. */
export class Limit implements Disposable {
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #over = new AbortController();
  /** Ends when the time is up, or with the outer signal. */
  readonly signal: AbortSignal;

  constructor(time: number, outer: AbortSignal) {
    this.signal = AbortSignal.any([this.#over.signal, outer]);
    this.#timer = setTimeout(() => this.#over.abort(), Math.max(0, time));
  }

  /** Whether the time was up, rather than the outer signal at its end. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
