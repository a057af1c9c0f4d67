import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../lib/host/clock.ts";
import { LineSplitter, LONGEST_LINE, Output } from "../../../lib/hooks/output.ts";
import { HookLog } from "./_hooks.ts";

function linesOf(...chunks: readonly (string | Uint8Array)[]): string[] {
  const splitter = new LineSplitter();
  const encoder = new TextEncoder();
  const lines = chunks.flatMap((chunk) =>
    splitter.push(typeof chunk === "string" ? encoder.encode(chunk) : chunk)
  );
  return [...lines, ...splitter.end()];
}

const FULL = "x".repeat(LONGEST_LINE);
const [FIRST = 0, SECOND = 0] = new TextEncoder().encode("é");

/** Chunks, and the lines in them. */
const CASES: readonly [name: string, chunks: (string | Uint8Array)[], lines: string[]][] = [
  ["lines without their ends, empty ones too", ["a\n\nb\r\nc\n"], ["a", "", "b", "c"]],
  ["a last line that has no end", ["a\nb"], ["a", "b"]],
  ["nothing for nothing", [""], []],
  ["a line that comes in chunks", ["a", "b\nc", "\n"], ["ab", "c"]],
  [
    "a character that is cut in two",
    [Uint8Array.of(FIRST), Uint8Array.of(SECOND), "b"],
    ["éb"],
  ],
  ["a carriage return inside a line", ["10%\r20%\r\n"], ["10%\r20%"]],
  ["a line of the greatest length whole", [FULL, "\na"], [FULL, "a"]],
  ["a longer line in pieces", [FULL, "y\n" + FULL + FULL], [FULL, "y", FULL, FULL]],
  ["no half of a character", [FULL.slice(1) + "\u{1f600}y"], [FULL.slice(1) + "\u{1f600}", "y"]],
  ["bytes that are no UTF-8", [Uint8Array.of(0x61, 0xff, 0x62, 0x0a, 0xc3)], [
    "a\ufffdb",
    "\ufffd",
  ]],
  ["a byte order mark", ["\ufeffa\n\ufeffb"], ["\ufeffa", "\ufeffb"]],
];

for (const [name, chunks, lines] of CASES) {
  Deno.test(`LineSplitter gives ${name}`, () => assertEquals(linesOf(...chunks), lines));
}

Deno.test("Output takes a stream that breaks for one that ends", async () => {
  const log = new HookLog();
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

Deno.test("Output lets other work have its turn while a stream always has more to read", async () => {
  let hadItsTurn = false;
  let left = 300_000;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (hadItsTurn || left-- === 0) controller.close();
      else controller.enqueue(Uint8Array.of(0x0a));
    },
  });
  const log = { ...new HookLog(), info: () => {} };
  const output = new Output({ clock: systemClock, log }, {});
  setTimeout(() => hadItsTurn = true, 0);
  output.read("stdout", stream);
  await output.end(new AbortController().signal);
  assert(hadItsTurn);
});
