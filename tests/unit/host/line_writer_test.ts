import { assert, assertEquals } from "@std/assert";
import { LineWriter, type Sink } from "../../../lib/host/line_writer.ts";

/** A pipe that takes a few bytes at a time, or none while it is full. */
class Pipe {
  text = "";
  #full = Promise.withResolvers<void>();

  constructor(readonly taken = Infinity) {
    this.#full.resolve();
  }

  fill(): void {
    this.#full = Promise.withResolvers<void>();
  }

  empty(): void {
    this.#full.resolve();
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#full.promise;
    const part = bytes.subarray(0, this.taken);
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("LineWriter writes all lines in order, though a pipe takes a part at a time", async () => {
  const pipe = new Pipe(3);
  const writer = new LineWriter(pipe);
  for (const line of ["one", "two", "", "three"]) writer.write(line);
  await writer.flush();
  writer.write("four");
  await writer.flush();
  assertEquals(pipe.text, "one\ntwo\n\nthree\nfour\n");
});

Deno.test("LineWriter drops the oldest lines of a full pipe, counts them, and keeps the last", async () => {
  const pipe = new Pipe();
  const writer = new LineWriter(pipe);
  writer.droppedLine = (lines) => `dropped ${lines}`;
  pipe.fill();
  writer.write("first");
  const count = 10_000;
  const line = (at: number) => `${at}`.padStart(100);
  for (let at = 0; at < count; at++) writer.write(line(at));
  await writer.flush(AbortSignal.abort());
  assertEquals(pipe.text, "");
  pipe.empty();
  await writer.flush();
  const [first, report, ...kept] = pipe.text.trimEnd().split("\n");
  assertEquals([first, report], ["first", `dropped ${count - kept.length}`]);
  assertEquals(kept.at(-1), line(count - 1));
  assert(kept.join("\n").length <= 256 * 1024);
});

/** A sink that does as it is told at each write: takes so many bytes, or fails. */
function scripted(...steps: readonly (number | Error)[]): { text: () => string; sink: Sink } {
  const written: number[] = [];
  let step = 0;
  const write = (bytes: Uint8Array) => {
    const now = steps[step++] ?? Infinity;
    if (now instanceof Error) return Promise.reject(now);
    written.push(...bytes.subarray(0, now));
    return Promise.resolve(Math.min(now, bytes.length));
  };
  return { text: () => new TextDecoder().decode(new Uint8Array(written)), sink: { write } };
}

const FULL = new Deno.errors.WouldBlock("try again");
const GONE = new Deno.errors.BrokenPipe("gone");

Deno.test("LineWriter loses nothing to a pipe that is full and does not block", async () => {
  const { text, sink } = scripted(FULL, 5, FULL, FULL, 9, FULL);
  const writer = new LineWriter(sink);
  const began = performance.now();
  for (const line of ["one", "two", "three", "four"]) writer.write(line);
  await writer.flush();
  assertEquals(text(), "one\ntwo\nthree\nfour\n");
  assert(performance.now() - began >= 70, "it does not try all the time");
});

Deno.test("LineWriter ends a line that an error cut, and counts the lines that were lost", async () => {
  // The first line is written alone; the others wait for it.
  const cases: readonly (readonly [(number | Error)[], string])[] = [
    [[Infinity, 6, GONE], "first\nsecond\ndropped 2\n"],
    [[Infinity, 7, GONE], "first\nsecond\ndropped 1\n"],
    [[Infinity, GONE], "first\ndropped 2\n"],
    // The report is lost too, whole or in part.
    [[Infinity, 6, GONE, GONE, GONE], "first\nsecond\ndropped 3\n"],
    [[Infinity, 6, GONE, 4, GONE, GONE], "first\nsecond\ndro\ndropped 3\n"],
  ];
  for (const [steps, expected] of cases) {
    const { text, sink } = scripted(...steps);
    const writer = new LineWriter(sink);
    writer.droppedLine = (lines) => `dropped ${lines}`;
    for (const line of ["first", "second", "third"]) writer.write(line);
    await writer.flush();
    if (steps.length > 3) {
      writer.write("lost");
      await writer.flush();
    }
    writer.write("kept");
    await writer.flush();
    assertEquals(text(), `${expected}kept\n`, steps.join());
  }
});
