/** Lines to stdout or stderr. Whoever reads them slowly, or not at all, holds nothing up. */
import { abortable } from "@std/async/abortable";
import { sleep, systemClock } from "./clock.ts";
import type { Milliseconds } from "./duration.ts";

/** How many characters wait to be written; beyond that the oldest lines are dropped. */
const MOST_WAITING = 256 * 1024;

/** How long the last lines wait for a reader when the process ends. */
const LAST_LINES: Milliseconds = 1_000;

/** A full pipe that does not block (`O_NONBLOCK`, a parent's choice) is tried again after this. */
const FULL_PIPE_PAUSE: Milliseconds = 20;

const LINE_END = 0x0a;

/** Where lines go: `Deno.stdout`, `Deno.stderr`. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes lines in order, in the background. */
export class LineWriter {
  /** A line about so many dropped ones, for when lines can be written again; by default none. */
  droppedLine: ((lines: number) => string) | undefined;
  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #length = 0;
  #dropped = 0;
  /** Whether the last line that was written lacks its end. */
  #isCut = false;
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
      if (this.#dropped > 0) await this.#reportDropped();
      const text = this.#waiting.join("");
      [this.#waiting, this.#length] = [[], 0];
      const lost = await this.#writeText(text);
      this.#dropped += lost;
    }
    this.#writing = undefined;
  }

  async #reportDropped(): Promise<void> {
    const dropped = this.#dropped;
    if (this.droppedLine === undefined) return;
    const lost = await this.#writeText(`${this.droppedLine(dropped)}\n`);
    if (lost === 0) this.#dropped -= dropped;
  }

  /** @returns How many lines were lost: nobody may read any more, which must hold nothing up. */
  async #writeText(text: string): Promise<number> {
    const lineEnd = this.#isCut ? "\n" : "";
    const bytes = this.#encoder.encode(lineEnd + text);
    let at = 0;
    while (at < bytes.length) {
      try {
        // A pipe may take a part.
        at += await this.#sink.write(bytes.subarray(at));
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) break;
        await sleep(systemClock.within(FULL_PIPE_PAUSE));
      }
    }
    if (at > 0) this.#isCut = bytes[at - 1] !== LINE_END;
    return bytes.subarray(Math.max(at, lineEnd.length)).filter((byte) => byte === LINE_END).length;
  }
}
