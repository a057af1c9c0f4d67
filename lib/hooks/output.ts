/** What a command says on stdout and stderr: into the log, line by line, within bounds. */
import { abortable } from "@std/async/abortable";
import type { Log, LogFields } from "../host/log.ts";
import { LineSplitter } from "./lines.ts";

/** More lines of one run are counted, not logged: a log is paid for by the byte. */
export const MOST_LINES = 1_000;

/** How much of the end is kept to explain a failure. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2_048;

/** The output of one run of a command. */
export class Output {
  readonly #log: Log;
  readonly #fields: LogFields;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #ends: Promise<void>[] = [];
  readonly #tail: string[] = [];
  #lines = 0;

  /** @param fields What the log says of each line. */
  constructor(log: Log, fields: LogFields) {
    this.#log = log;
    this.#fields = fields;
  }

  /** Begins to read a stream. */
  read(name: "stdout" | "stderr", stream: ReadableStream<Uint8Array>): void {
    const reader = stream.getReader();
    this.#readers.push(reader);
    this.#ends.push(this.#readLines(reader, (line) => this.#take(name, line)));
  }

  /** Waits for the end of all streams; leaves them where they are when the signal ends first. */
  async end(signal: AbortSignal): Promise<void> {
    const ends = Promise.all(this.#ends);
    await abortable(ends, signal).catch(() => {});
    // A process out of reach may hold a pipe open for ever.
    await Promise.all(this.#readers.map((reader) => reader.cancel().catch(() => {})));
    await ends;
  }

  /** For the line that ends the run: the lines that were not logged. */
  get dropped(): LogFields {
    return this.#lines > MOST_LINES ? { lines_dropped: this.#lines - MOST_LINES } : {};
  }

  /** For the line that tells of a failure: the last of the output. */
  get tail(): LogFields {
    const text = this.#tail.join("\n").slice(-TAIL_LENGTH);
    return text === "" ? {} : { output: text };
  }

  async #readLines(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    take: (line: string) => void,
  ): Promise<void> {
    const lines = new LineSplitter(take);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        lines.push(value);
      }
    } catch {
      // A pipe that cannot be read any more is at its end.
    }
    lines.end();
  }

  #take(stream: "stdout" | "stderr", line: string): void {
    this.#lines++;
    if (this.#lines <= MOST_LINES) this.#log.info("hook output", { ...this.#fields, stream, line });
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }
}
