import { assert, assertEquals, assertMatch } from "@std/assert";
import { MOST_LINES } from "../../../lib/hooks/output.ts";
import { processState, runHook, startHook } from "./_hooks.ts";

for (const shell of [true, false]) {
  const how = shell ? "by the shell" : "started directly";

  Deno.test(`a command ${how} that exits with 0 succeeds`, async () => {
    const { result, last } = await runHook("true", { shell });
    assertEquals(result, { outcome: "succeeded" });
    assertEquals([last.level, last.message, last.fields.exit_code], ["info", "hook succeeded", 0]);
  });

  Deno.test(`a command ${how} that exits with another code fails with that code`, async () => {
    const { result, last } = await runHook("sh -c 'exit 3'", { shell });
    assertEquals(result, { outcome: "failed", reason: "exit code 3" });
    assertEquals([last.level, last.fields.exit_code], ["warn", 3]);
  });

  Deno.test(`a command ${how} that a signal ends fails with that signal`, async () => {
    const { result, last } = await runHook(shell ? "kill -KILL $$" : "sh -c 'kill -KILL $$'", {
      shell,
    });
    assertEquals(result, { outcome: "failed", reason: "signal SIGKILL" });
    assertEquals([last.fields.signal, last.fields.exit_code], ["SIGKILL", undefined]);
  });

  Deno.test(`a command ${how} gets its words as they were quoted`, async () => {
    const { log } = await runHook(`printf '%s\\n' 'a  b' "c\\"d" e\\ f`, { shell });
    assertEquals(log.output, ["a  b", 'c"d', "e f"]);
  });

  Deno.test(`a command ${how} is told event, target and groups`, async () => {
    const { log } = await runHook("env", { shell, event: "pre-deregister" });
    const told = log.output.filter((line) => line.startsWith("NLB_REGISTRATOR_")).toSorted();
    assertEquals(told, [
      "NLB_REGISTRATOR_EVENT=pre-deregister",
      "NLB_REGISTRATOR_TARGET_GROUP_ARNS=arn:one,arn:two",
      "NLB_REGISTRATOR_TARGET_ID=10.0.0.7",
    ]);
  });

  Deno.test(`a command ${how} inherits the sidecar's environment`, async () => {
    const { log } = await runHook("env", { shell });
    assert(log.output.includes(`PATH=${Deno.env.get("PATH")}`));
  });

  Deno.test(`a command ${how} finds nothing on its standard input`, async () => {
    const { result, log } = await runHook("cat", { shell });
    assertEquals([result.outcome, log.output], ["succeeded", []]);
  });

  Deno.test(`a command ${how} leaves no zombie behind`, async () => {
    const { log } = await runHook("sh -c 'echo $$'", { shell });
    assertEquals(processState(Number(log.output[0])), undefined);
  });
}

Deno.test("the shell runs what takes a shell", async () => {
  const { log } = await runHook('A="b c"; echo "$A" | tr b B && echo done');
  assertEquals(log.output, ["B c", "done"]);
});

Deno.test("a command that the shell does not find fails with the shell's words", async () => {
  const { result, last } = await runHook("no-such-program --flag");
  assertEquals(result, { outcome: "failed", reason: "exit code 127" });
  assertMatch(String(last.fields.output), /no-such-program: not found/);
});

Deno.test("a command that is not found without a shell could not be started", async () => {
  const { result, last } = await runHook("no-such-program --flag", { shell: false });
  assert(result.outcome === "failed");
  assertMatch(result.reason, /^it could not be started: .*no-such-program/);
  assertEquals(last.message, `hook failed: ${result.reason}`);
});

Deno.test("a file that is no program could not be started", async () => {
  const { result } = await runHook("/etc/passwd", { shell: false });
  assert(result.outcome === "failed");
  assertMatch(result.reason, /^it could not be started: .*Permission denied/);
});

Deno.test("a command that takes a shell fails where there is none, and says why", async () => {
  const { result } = await runHook("echo a | cat", { shell: false });
  assert(result.outcome === "failed");
  assertMatch(result.reason, /^it takes a shell, and there is none: "\|" at character 8 is a pipe/);
});

Deno.test("output comes line by line, a last line without an end included", async () => {
  const { log } = await runHook("printf 'a\\n\\nb\\r\\nc'");
  assertEquals(log.output, ["a", "", "b", "c"]);
});

Deno.test("output is logged as it comes, not at the end", async () => {
  const hook = startHook("echo first; exec sleep 1000");
  await hook.log.printed(/first/);
  hook.stop();
  await hook.result;
});

Deno.test("an output line says its event and its stream", async () => {
  const { log } = await runHook("echo a; echo b >&2", { event: "pre-register" });
  const lines = log.entries.slice(1, -1).toSorted((one, other) =>
    String(one.fields.line).localeCompare(String(other.fields.line))
  );
  const about = { level: "info", message: "hook output" } as const;
  assertEquals(lines, [
    { ...about, fields: { event: "pre-register", stream: "stdout", line: "a" } },
    { ...about, fields: { event: "pre-register", stream: "stderr", line: "b" } },
  ]);
});

Deno.test("output that is no UTF-8 is logged as far as it goes", async () => {
  const { log } = await runHook("printf 'a\\377b\\n\\303'");
  assertEquals(log.output, ["a\ufffdb", "\ufffd"]);
});

Deno.test("a line of many megabytes is cut and counted", async () => {
  const { result, log, last } = await runHook("head -c 100000000 /dev/zero | tr '\\0' x");
  const pieces = Math.ceil(100_000_000 / 8_192);
  assertEquals(result.outcome, "succeeded");
  assertEquals(log.output.length, MOST_LINES);
  assertEquals(last.fields.lines_dropped, pieces - MOST_LINES);
});

Deno.test("of ten thousand lines the first thousand are logged and the others counted", async () => {
  const { log, last } = await runHook("seq 10000");
  assertEquals(log.output, Array.from({ length: MOST_LINES }, (_, index) => String(index + 1)));
  assertEquals(last.fields.lines_dropped, 10_000 - MOST_LINES);
});

Deno.test("a run of no more lines than are logged drops none", async () => {
  const { log, last } = await runHook(`seq ${MOST_LINES}`);
  assertEquals([log.output.length, last.fields.lines_dropped], [MOST_LINES, undefined]);
});

Deno.test("a failure is explained by the last lines of output, dropped ones too", async () => {
  const { last } = await runHook("seq 10000; exit 1");
  assertEquals(last.fields.output, "9991\n9992\n9993\n9994\n9995\n9996\n9997\n9998\n9999\n10000");
});

Deno.test("a failure is explained by no more output than a log line bears", async () => {
  const { last } = await runHook("head -c 20000 /dev/zero | tr '\\0' x; echo; echo end; exit 1");
  assertEquals(String(last.fields.output).length, 2_048);
  assert(String(last.fields.output).endsWith("x\nend"));
});

Deno.test("a failure without output has none in its line", async () => {
  const { last } = await runHook("exit 1");
  assertEquals("output" in last.fields, false);
});

Deno.test("a success is not explained by output", async () => {
  const { last } = await runHook("echo a");
  assertEquals("output" in last.fields, false);
});
