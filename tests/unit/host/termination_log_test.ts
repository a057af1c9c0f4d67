import { assertEquals, assertMatch } from "@std/assert";
import { writeTerminationLog } from "../../../lib/host/termination_log.ts";
import { KeptLog } from "../kept_log.ts";

Deno.test("writeTerminationLog() writes the sentence, over what was there", async () => {
  const file = await Deno.makeTempFile();
  const log = new KeptLog();
  writeTerminationLog(file, "a long sentence of an earlier life", log);
  writeTerminationLog(file, "not registered", log);
  assertEquals(await Deno.readTextFile(file), "not registered\n");
  assertEquals(log.lines, []);
  await Deno.remove(file);
});

Deno.test("writeTerminationLog() warns where a file that was asked for cannot be written", () => {
  const log = new KeptLog();
  writeTerminationLog("/no/such/folder/file", "not registered", log);
  assertMatch(log.lines[0] ?? "", /^warn the termination log could not be written .*NotFound/);
});

Deno.test("writeTerminationLog() says nothing of a default file that is not there", () => {
  const log = new KeptLog();
  writeTerminationLog("/dev/termination-log", "not registered", log);
  assertEquals(log.lines.filter((line) => line.startsWith("warn")), []);
});
