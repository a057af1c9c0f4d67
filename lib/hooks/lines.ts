/** Cuts a stream of bytes into lines, with a bound on what it holds. */

/** A longer line is given out in pieces of this many bytes. */
export const LONGEST_LINE = 8 * 1024;

const NEWLINE = 0x0a;

/** Takes chunks, gives lines. Bytes that are no UTF-8 become U+FFFD. */
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
