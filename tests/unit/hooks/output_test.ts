import { assertEquals } from "@std/assert";
import { systemClock } from "../../../lib/host/clock.ts";
import { LineSplitter, LONGEST_LINE, Output } from "../../../lib/hooks/output.ts";
import { RecordedLog } from "./_hooks.ts";

function linesOf(...chunks: (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) {
    const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    for (let at = 0; at < bytes.length;) at = splitter.take(bytes, at);
  }
  splitter.end();
  return lines;
}

const FULL = "x".repeat(LONGEST_LINE);

Deno.test("LineSplitter gives lines without their ends, empty ones too", () => {
  assertEquals(linesOf("a\n\nb\r\nc\n"), ["a", "", "b", "c"]);
});

Deno.test("LineSplitter gives a last line that has no end", () => {
  assertEquals(linesOf("a\nb"), ["a", "b"]);
});

Deno.test("LineSplitter gives nothing for nothing", () => {
  assertEquals(linesOf(), []);
  assertEquals(linesOf(""), []);
});

Deno.test("LineSplitter joins a line that comes in chunks, cut inside a character too", () => {
  const [first = 0, second = 0] = new TextEncoder().encode("é");
  assertEquals(linesOf("a", Uint8Array.of(first), Uint8Array.of(second), "b\nc", "\n"), [
    "aéb",
    "c",
  ]);
});

Deno.test("LineSplitter keeps a carriage return inside a line", () => {
  assertEquals(linesOf("10%\r20%\r\n"), ["10%\r20%"]);
});

Deno.test("LineSplitter gives a line of the greatest length whole", () => {
  assertEquals(linesOf(FULL + "\n" + FULL), [FULL, FULL]);
  assertEquals(linesOf(FULL, "\na"), [FULL, "a"]);
});

Deno.test("LineSplitter cuts a longer line into pieces", () => {
  assertEquals(linesOf(FULL + "y"), [FULL, "y"]);
  assertEquals(linesOf(FULL, "y\nz"), [FULL, "y", "z"]);
  assertEquals(linesOf(FULL + FULL + FULL + "\n"), [FULL, FULL, FULL]);
});

Deno.test("LineSplitter does not cut a line inside a character", () => {
  for (const char of ["é", "\u0900", "€", "\u{1f600}"]) {
    const bytes = new TextEncoder().encode(char).length;
    for (let inside = 1; inside < bytes; inside++) {
      const head = "x".repeat(LONGEST_LINE - inside);
      assertEquals(linesOf(head + char + "y"), [head, char + "y"], `${char} ${inside}`);
    }
    const exact = "x".repeat(LONGEST_LINE - bytes) + char;
    assertEquals(linesOf(exact + "y"), [exact, "y"], char);
  }
});

Deno.test("LineSplitter replaces bytes that are no UTF-8, in whatever number", () => {
  assertEquals(linesOf(Uint8Array.of(0x61, 0xff, 0x62, 0x0a, 0xc3, 0x0a)), ["a\ufffdb", "\ufffd"]);
  const continuations = new Uint8Array(LONGEST_LINE + 1).fill(0x80);
  assertEquals(linesOf(continuations).map((line) => line.length), [LONGEST_LINE, 1]);
});

Deno.test("LineSplitter keeps a byte order mark, as it is in the middle of a log", () => {
  assertEquals(linesOf("\ufeffa\n\ufeffb"), ["\ufeffa", "\ufeffb"]);
});

Deno.test("Output takes a stream that breaks for one that ends", async () => {
  const log = new RecordedLog();
  const output = new Output({ clock: systemClock, log }, {});
  const chunks = ["a\nb", undefined];
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.error(new Error("broken"));
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
  output.read("stdout", stream);
  await output.end(new AbortController().signal);
  assertEquals(log.output, ["a", "b"]);
});
