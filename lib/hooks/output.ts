/** What a command says on stdout and stderr: into the log, line by line, within bounds. */
import { abortable } from "@std/async/abortable";
import type { Log, LogFields } from "../host/log.ts";

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

/** A longer line is given out in pieces of this many bytes. */
export const LONGEST_LINE = 8 * 1024;

const NEWLINE = 0x0a;

/**
 * Takes chunks, gives lines. Bytes that are no UTF-8 become U+FFFD. Own code: the line streams of
 * `@std/streams` hold a line of 400 MB whole.
 */
export class LineSplitter {
  readonly #take: (line: string) => void;
  readonly #held = new Uint8Array(LONGEST_LINE);
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #length = 0;

  /** @param take Gets each line, without its end. */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (chunk[at] === NEWLINE) {
        this.#give(this.#length);
        at++;
        continue;
      }
      if (this.#length === LONGEST_LINE) this.#give(this.#wholeCharacters());
      const newline = chunk.indexOf(NEWLINE, at);
      const end = Math.min(newline < 0 ? chunk.length : newline, at + LONGEST_LINE - this.#length);
      this.#held.set(chunk.subarray(at, end), this.#length);
      this.#length += end - at;
      at = end;
    }
  }

  /** The stream is over: gives what came after the last line's end. */
  end(): void {
    if (this.#length > 0) this.#give(this.#length);
  }

  #give(length: number): void {
    const line = this.#decoder.decode(this.#held.subarray(0, length));
    this.#held.copyWithin(0, length, this.#length);
    this.#length -= length;
    this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  /** How much can be given of a line that is too long, without a cut inside a character. */
  #wholeCharacters(): number {
    for (let back = 1; back <= 3; back++) {
      const byte = this.#held[this.#length - back] ?? 0;
      const isContinuation = (byte & 0xc0) === 0x80;
      if (!isContinuation) return back < charLength(byte) ? this.#length - back : this.#length;
    }
    return this.#length;
  }
}

/** The length of the UTF-8 character that begins with the byte. */
function charLength(first: number): number {
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}
