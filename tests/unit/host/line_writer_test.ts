import { assert, assertEquals } from "@std/assert";
import { LineWriter } from "../../../lib/host/line_writer.ts";

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
  writer.onDropped = (lines) => writer.write(`dropped ${lines}`);
  pipe.fill();
  writer.write("first");
  const count = 100_000;
  for (let at = 0; at < count; at++) writer.write(`line ${at}`);
  await writer.flush(AbortSignal.abort());
  assertEquals(pipe.text, "");
  pipe.empty();
  await writer.flush();
  const [first, report, ...kept] = pipe.text.trimEnd().split("\n");
  assertEquals([first, report], ["first", `dropped ${count - kept.length}`]);
  assertEquals(kept.at(-1), `line ${count - 1}`);
  assert(kept.join("\n").length <= 256 * 1024);
});

Deno.test("LineWriter goes on after a pipe that broke", async () => {
  let broken = true;
  const written: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => {
    if (broken) return Promise.reject(new Deno.errors.BrokenPipe("gone"));
    written.push(bytes);
    return Promise.resolve(bytes.length);
  };
  const writer = new LineWriter({ write });
  writer.write("lost");
  await writer.flush();
  broken = false;
  writer.write("kept");
  await writer.flush();
  assertEquals(written.length, 1);
});
