/** What a command prints on stdout and stderr: into the log, line by line, within bounds. */
import { abortable } from "@std/async/abortable";
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";

/** More lines of one run are counted, not logged: a log is paid for by the byte. */
export const MOST_LINES = 1_000;

/** A longer line is logged in pieces of this many characters. */
export const LONGEST_LINE = 8 * 1024;

/** How much of the end is kept to explain a failure. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2_048;

/**
 * How long output is read in one go. A command that prints all the time always has more to read,
 * so that signals, probes and timeouts would wait for its end.
 */
const LONGEST_TURN: Milliseconds = 10;

/** The output of one run of a command. */
export class Output {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: LogFields;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #ends: Promise<void>[] = [];
  #lines = 0;
  #last: readonly string[] = [];

  /** @param fields What the log says of each line. */
  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }, fields: LogFields) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = fields;
  }

  /** Begins to read a stream. */
  read(stream: "stdout" | "stderr", bytes: ReadableStream<Uint8Array>): void {
    const reader = bytes.getReader();
    this.#readers.push(reader);
    this.#ends.push(this.#readAll(reader, stream));
  }

  /** Waits for the end of all streams; leaves them where they are when the signal ends first. */
  async end(signal: AbortSignal): Promise<void> {
    const ends = Promise.all(this.#ends);
    await abortable(ends, signal).catch(() => {});
    // A process out of reach may hold a pipe open for ever.
    await Promise.all(this.#readers.map((reader) => reader.cancel().catch(() => {})));
    await ends;
  }

  /** For the line that ends the run: how many lines were not logged, if any. */
  get dropped(): LogFields {
    return this.#lines > MOST_LINES ? { lines_dropped: this.#lines - MOST_LINES } : {};
  }

  /** For the line that ends a run that failed: the last of what the command said, if anything. */
  get tail(): LogFields {
    const output = this.#last.join("\n").slice(-TAIL_LENGTH);
    return output === "" ? {} : { output };
  }

  async #readAll(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    stream: string,
  ): Promise<void> {
    const splitter = new LineSplitter();
    let turn = this.#clock.now();
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        // To split millions of lines that are not logged would take seconds, and a lot of memory.
        const skipped = this.#lines < MOST_LINES ? 0 : Math.max(0, read.value.length - TAIL_LENGTH);
        this.#lines += newlinesIn(read.value.subarray(0, skipped));
        this.#take(splitter.push(read.value.subarray(skipped)), stream);
        if (this.#clock.now() - turn < LONGEST_TURN) continue;
        await sleep(this.#clock.within(0));
        turn = this.#clock.now();
      }
    } catch {
      // A pipe that cannot be read any more is at its end.
    }
    this.#take(splitter.end(), stream);
  }

  #take(lines: readonly string[], stream: string): void {
    for (const line of lines.slice(0, Math.max(0, MOST_LINES - this.#lines))) {
      this.#log.info("hook output", { ...this.#fields, stream, line });
    }
    this.#lines += lines.length;
    this.#last = [...this.#last, ...lines.slice(-TAIL_LINES)].slice(-TAIL_LINES);
  }
}

function newlinesIn(chunk: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < chunk.length; at++) if (chunk[at] === 0x0a) count++;
  return count;
}

/**
 * Takes chunks, gives lines without their ends. Bytes that are no UTF-8 become U+FFFD. Own code: the
 * line streams of `@std/streams` hold a line of 400 MB whole.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** What came after the last line's end. */
  #rest = "";

  /** The lines that end in a chunk, and the pieces of one that is too long. */
  push(chunk: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    const pieces = piecesOf(lines.pop() ?? "");
    this.#rest = pieces.pop() ?? "";
    return [...lines.flatMap((line) => piecesOf(line.replace(/\r$/, ""))), ...pieces];
  }

  /** The stream is over: a last line without an end. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    return rest === "" ? [] : piecesOf(rest.replace(/\r$/, ""));
  }
}

/** A line in pieces that can be logged, at least one. No character is cut. */
function piecesOf(line: string): string[] {
  return line.length <= LONGEST_LINE ? [line] : [...line.match(PIECE) ?? []];
}

const PIECE = new RegExp(`.{1,${LONGEST_LINE}}`, "gsu");
