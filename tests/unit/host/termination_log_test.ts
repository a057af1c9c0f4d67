import { assertEquals, assertMatch } from "@std/assert";
import { openTerminationLog } from "../../../lib/host/termination_log.ts";
import { KeptLog } from "../kept_log.ts";

/** Writes as one lifecycle does; the result is what was logged. */
async function lastMessage(path: string, message?: string): Promise<readonly string[]> {
  const log = new KeptLog();
  using file = openTerminationLog(path, log);
  if (message !== undefined) await file.write(message);
  return log.lines;
}

Deno.test("the termination log gets one line over what was there, and nothing without a message", async () => {
  const file = await Deno.makeTempFile();
  assertEquals(await lastMessage(file, "a long message of an earlier lifecycle"), []);
  assertEquals(await lastMessage(file, "not registered: a\nINFO \u001b[31mb\u202e"), []);
  const text = "not registered: a\\u000aINFO \\u001b[31mb\\u202e\n";
  assertEquals(await Deno.readTextFile(file), text);
  assertEquals(await lastMessage(file), []);
  assertEquals(await Deno.readTextFile(file), text);
  await Deno.remove(file);
});

Deno.test("a termination log that cannot be written is warned of when there is a message", async () => {
  assertEquals(await lastMessage("/no/such/folder/file"), []);
  const [line = ""] = await lastMessage("/no/such/folder/file", "not registered");
  assertMatch(line, /^warn failed to write the termination log .*NotFound/);
  const [full = ""] = await lastMessage("/dev/full", "not registered");
  assertMatch(full, /^warn .* {"file":"\/dev\/full","error":".*No space left/);
});

Deno.test("a default termination log that is not there is no matter, and is not created", async () => {
  const lines = await lastMessage("/dev/termination-log", "not registered");
  assertEquals(lines.filter((line) => line.startsWith("warn")), []);
  assertEquals(await Deno.stat("/dev/termination-log").catch(() => "none"), "none");
});

Deno.test("a termination log that is a pipe which nothing reads holds nothing up", async () => {
  const folder = await Deno.makeTempDir();
  const fifo = `${folder}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const [line = ""] = await lastMessage(fifo, "not registered");
  assertMatch(line, /^warn failed to write the termination log .*named pipe/);
  await Deno.remove(folder, { recursive: true });
});
