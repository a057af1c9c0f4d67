import { assertEquals, assertMatch } from "@std/assert";
import { openTerminationLog } from "../../../lib/host/termination_log.ts";
import { KeptLog } from "../kept_log.ts";

/** Writes as one life does. */
function lastWords(path: string, sentence: string): readonly string[] {
  const log = new KeptLog();
  using file = openTerminationLog(path, log);
  file.write(sentence);
  return log.lines;
}

Deno.test("the termination log gets the sentence, over what was there", async () => {
  const file = await Deno.makeTempFile();
  assertEquals(lastWords(file, "a long sentence of an earlier life"), []);
  assertEquals(lastWords(file, "not registered"), []);
  assertEquals(await Deno.readTextFile(file), "not registered\n");
  await Deno.remove(file);
});

Deno.test("the termination log is not touched by a life that has nothing to say", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "an earlier life's");
  openTerminationLog(file, new KeptLog())[Symbol.dispose]();
  assertEquals(await Deno.readTextFile(file), "an earlier life's");
  await Deno.remove(file);
});

Deno.test("a termination log that was asked for and cannot be written is warned of", () => {
  const [line = ""] = lastWords("/no/such/folder/file", "not registered");
  assertMatch(line, /^warn the termination log could not be written .*NotFound/);
});

Deno.test("a termination log is warned of when there is something to say, and not before", () => {
  const log = new KeptLog();
  openTerminationLog("/no/such/folder/file", log)[Symbol.dispose]();
  assertEquals(log.lines, []);
});

Deno.test("a default termination log that is not there is no matter", () => {
  const lines = lastWords("/dev/termination-log", "not registered");
  assertEquals(lines.filter((line) => line.startsWith("warn")), []);
});
