import { assertEquals } from "@std/assert";
import { Output } from "../../../lib/hooks/output.ts";
import { RecordedLog } from "./_hooks.ts";

Deno.test("Output takes a stream that breaks for one that ends", async () => {
  const log = new RecordedLog();
  const output = new Output(log, {});
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
