/** What a command prints on stdout and stderr: into the log, line by line, within bounds. */
import { abortable } from "@std/async/abortable";
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";

/** More lines of one run are counted, not logged: a log is paid for by the byte. */
export const MOST_LINES = 1_000;

/** A longer line is logged in pieces of this many bytes. */
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
    const lines = new LineSplitter((line) => this.#logLine(name, line));
    let turn = this.#clock.now();
    try {
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        this.#take(chunk.value, name, lines);
        if (this.#clock.now() - turn < LONGEST_TURN) continue;
        await sleep(this.#clock.within(0));
        turn = this.#clock.now();
      }
    } catch {
      // A pipe that cannot be read any more is at its end.
    }
    if (lines.isInLine) this.#isFull ? this.#dropped++ : lines.end();
  }

  get #isFull(): boolean {
    return this.#logged >= MOST_LINES;
  }

  #take(chunk: Uint8Array, name: StreamName, lines: LineSplitter): void {
    this.#tail.add(chunk, name);
    let at = 0;
    while (at < chunk.length && !this.#isFull) at = lines.take(chunk, at);
    if (at < chunk.length) this.#dropped += lines.skip(chunk, at);
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

/**
 * Takes chunks, gives lines. Bytes that are no UTF-8 become U+FFFD. Own code: the line streams of
 * `@std/streams` hold a line of 400 MB whole.
 */
export class LineSplitter {
  readonly #give: (line: string) => void;
  readonly #held = new Uint8Array(LONGEST_LINE);
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #length = 0;
  #isInLine = false;

  /** @param give Gets each line, without its end. */
  constructor(give: (line: string) => void) {
    this.#give = give;
  }

  /** Whether something came after the last line's end. */
  get isInLine(): boolean {
    return this.#isInLine;
  }

  /** Takes a chunk from a place on, up to its end or that of a line; the result is where it is. */
  take(chunk: Uint8Array, at: number): number {
    if (chunk[at] === NEWLINE) {
      this.#isInLine = false;
      this.#giveHeld(this.#length);
      return at + 1;
    }
    this.#isInLine = true;
    if (this.#length === LONGEST_LINE) this.#giveHeld(this.#wholeCharacters());
    const newline = chunk.indexOf(NEWLINE, at);
    const cut = at + LONGEST_LINE - this.#length;
    const end = Math.min(newline < 0 ? chunk.length : newline, cut);
    this.#held.set(chunk.subarray(at, end), this.#length);
    this.#length += end - at;
    return end;
  }

  /** Counts the lines that end in a chunk from a place on, and gives none. */
  skip(chunk: Uint8Array, at: number): number {
    let count = 0;
    for (let index = at; index < chunk.length; index++) if (chunk[index] === NEWLINE) count++;
    this.#isInLine = chunk.at(-1) !== NEWLINE;
    return count;
  }

  /** The stream is over: gives what came after the last line's end. */
  end(): void {
    if (this.#length > 0) this.#giveHeld(this.#length);
  }

  #giveHeld(length: number): void {
    const line = this.#decoder.decode(this.#held.subarray(0, length));
    this.#held.copyWithin(0, length, this.#length);
    this.#length -= length;
    this.#give(line.endsWith("\r") ? line.slice(0, -1) : line);
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
