/** Lines to stdout or stderr. Whoever reads them slowly, or not at all, holds nothing up. */
import { abortable } from "@std/async/abortable";
import { systemClock } from "./clock.ts";
import type { Milliseconds } from "./duration.ts";

/** How many characters wait to be written; beyond that the oldest lines are dropped. */
const MOST_WAITING = 256 * 1024;

/** How long the last lines wait for a reader when the process ends. */
const LAST_LINES: Milliseconds = 1_000;

/** Where lines go: `Deno.stdout`, `Deno.stderr`. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes lines in order, in the background. */
export class LineWriter {
  /** Reports how many lines were dropped, once lines can be written again. */
  onDropped: (lines: number) => void = () => {};
  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #length = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Takes a line, or several, without the last one's end. Never waits and never throws. */
  write(line: string): void {
    this.#waiting.push(line + "\n");
    this.#length += line.length + 1;
    while (this.#length > MOST_WAITING && this.#waiting.length > 1) {
      this.#length -= this.#waiting.shift()?.length ?? 0;
      this.#dropped++;
    }
    this.#writing ??= this.#writeWaiting();
  }

  /** Waits until all is written, or the signal ends: by default a second later. */
  async flush(signal: AbortSignal = systemClock.within(LAST_LINES)): Promise<void> {
    while (this.#writing !== undefined && !signal.aborted) {
      await abortable(this.#writing, signal).catch(() => {});
    }
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const text = this.#takeWaiting();
      try {
        await this.#writeAll(this.#encoder.encode(text));
      } catch {
        // Nobody reads any more; that must not keep the target registered.
      }
    }
    this.#writing = undefined;
  }

  /** The lines that wait, after one about those that were dropped before them. */
  #takeWaiting(): string {
    const lines = this.#waiting;
    const dropped = this.#dropped;
    [this.#waiting, this.#length, this.#dropped] = [[], 0, 0];
    if (dropped === 0) return lines.join("");
    this.onDropped(dropped);
    const report = this.#waiting;
    [this.#waiting, this.#length] = [[], 0];
    return [...report, ...lines].join("");
  }

  /** A pipe may take a part. */
  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#sink.write(rest));
  }
}
