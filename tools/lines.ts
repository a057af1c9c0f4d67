/** The lines that a program prints: one by one, or kept for those who wait for one of them. */
import { TextLineStream } from "@std/streams/text-line-stream";

/** The lines of a stream, without their ends; a last line without an end is one too. */
export function linesOf(stream: ReadableStream<Uint8Array>): ReadableStream<string> {
  return stream.pipeThrough<string>(new TextDecoderStream()).pipeThrough(new TextLineStream());
}

/** No one waits longer than this for a line, in milliseconds. */
const PATIENCE = 60_000;

/** Reads a stream to its end and keeps its lines. */
export class PrintedLines {
  readonly lines: string[] = [];
  /** Ends with the stream. */
  readonly end: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.end = this.#read(stream);
  }

  /**
   * Waits for the n-th line that matches, those already printed included.
   * @throws {Error} It did not come in time, or the stream ended; the message has the lines so far.
   */
  async line(pattern: RegExp, nth = 1): Promise<string> {
    const { promise: patience, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#missing(pattern, "in time")), PATIENCE);
    try {
      while (true) {
        const line = this.lines.filter((line) => pattern.test(line))[nth - 1];
        if (line !== undefined) return line;
        if (this.#ended) throw this.#missing(pattern, "before the end");
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiting.add(resolve);
        await Promise.race([promise, patience]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of linesOf(stream)) {
      this.lines.push(line);
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #missing(pattern: RegExp, when: string): Error {
    return new Error(`no line ${pattern} ${when}; the output is:\n${this.lines.join("\n")}`);
  }
}
