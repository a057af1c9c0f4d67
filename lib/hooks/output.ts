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

const NEWLINE = 0x0a;

type StreamName = "stdout" | "stderr";

/** The output of one run of a command. */
export class Output {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: LogFields;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #ends: Promise<void>[] = [];
  readonly #tail = new Tail();
  #logged = 0;
  #dropped = 0;

  /** @param fields What the log says of each line. */
  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }, fields: LogFields) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = fields;
  }

  /** Begins to read a stream. */
  read(name: StreamName, stream: ReadableStream<Uint8Array>): void {
    const reader = stream.getReader();
    this.#readers.push(reader);
    this.#ends.push(this.#readAll(reader, name));
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
    return this.#dropped > 0 ? { lines_dropped: this.#dropped } : {};
  }

  /** For the line that ends a run that failed: the last of what the command said, if anything. */
  get tail(): LogFields {
    const { text } = this.#tail;
    return text === "" ? {} : { output: text };
  }

  async #readAll(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    name: StreamName,
  ): Promise<void> {
    const splitter = new LineSplitter();
    let last: Uint8Array = new Uint8Array();
    let turn = this.#clock.now();
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        last = read.value;
        this.#tail.add(last, name);
        if (this.#isFull) this.#dropped += newlinesIn(last);
        else this.#takeLines(splitter.push(last), name);
        if (this.#clock.now() - turn < LONGEST_TURN) continue;
        await sleep(this.#clock.within(0));
        turn = this.#clock.now();
      }
    } catch {
      // A pipe that cannot be read any more is at its end.
    }
    if (!this.#isFull) this.#takeLines(splitter.end(), name);
    else if ((last.at(-1) ?? NEWLINE) !== NEWLINE) this.#dropped++;
  }

  get #isFull(): boolean {
    return this.#logged >= MOST_LINES;
  }

  #takeLines(lines: readonly string[], stream: StreamName): void {
    for (const line of lines) {
      if (this.#isFull) this.#dropped++;
      else this.#logLine(stream, line);
    }
  }

  #logLine(stream: StreamName, line: string): void {
    this.#logged++;
    this.#log.info("hook output", { ...this.#fields, stream, line });
  }
}

/** The last lines of all streams. */
class Tail {
  readonly #decoder = new TextDecoder();
  #text = "";
  #stream: StreamName | undefined;

  add(chunk: Uint8Array, stream: StreamName): void {
    const isCut = this.#stream !== stream && !/(^|\n)$/.test(this.#text);
    this.#stream = stream;
    const end = this.#decoder.decode(chunk.subarray(-TAIL_LENGTH));
    this.#text = `${this.#text}${isCut ? "\n" : ""}${end}`.slice(-TAIL_LENGTH);
  }

  get text(): string {
    return this.#text.replace(/\r?\n$/, "").split(/\r?\n/).slice(-TAIL_LINES).join("\n");
  }
}

function newlinesIn(chunk: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < chunk.length; at++) if (chunk[at] === NEWLINE) count++;
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
    this.#rest = "";
    return rest === "" ? [] : piecesOf(rest.replace(/\r$/, ""));
  }
}

/** A line in pieces that can be logged, at least one. No character is cut. */
function piecesOf(line: string): string[] {
  return line.length <= LONGEST_LINE ? [line] : [...line.match(PIECE) ?? []];
}

const PIECE = new RegExp(`.{1,${LONGEST_LINE}}`, "gsu");
