import { assert, assertEquals, assertMatch } from "@std/assert";
import { MOST_LINES } from "../../../lib/hooks/output.ts";
import { processState, runHook, startHook } from "./_hooks.ts";

for (const shell of [true, false]) {
  const how = shell ? "by the shell" : "started directly";

  Deno.test(`a command ${how} ends as its process ends`, async () => {
    const { outcome, last } = await runHook("true", { shell });
    assertEquals(outcome, { outcome: "succeeded" });
    assertEquals([last.level, last.message, last.fields.exit_code], ["info", "hook succeeded", 0]);

    const failed = await runHook("sh -c 'exit 3'", { shell });
    assertEquals(failed.outcome, { outcome: "failed", reason: "exit code 3" });
    assertEquals([failed.last.level, failed.last.fields.exit_code], ["warn", 3]);

    const command = shell ? "kill -KILL $$" : "sh -c 'kill -KILL $$'";
    const killed = await runHook(command, { shell });
    assertEquals(killed.outcome, { outcome: "failed", reason: "signal SIGKILL" });
    const { signal, exit_code } = killed.last.fields;
    assertEquals([signal, exit_code], ["SIGKILL", undefined]);
  });

  Deno.test(`a command ${how} gets its words, the target and the sidecar's environment`, async () => {
    const { log } = await runHook(`printf '%s\\n' 'a  b' "c\\"d" e\\ f`, { shell });
    assertEquals(log.output, ["a  b", 'c"d', "e f"]);
    const { log: env } = await runHook("env", { shell, event: "pre-deregister" });
    const own = env.output.filter((line) => line.startsWith("NLB_REGISTRATOR_")).toSorted();
    assertEquals(own, [
      "NLB_REGISTRATOR_EVENT=pre-deregister",
      "NLB_REGISTRATOR_TARGET_GROUP_ARNS=arn:one,arn:two",
      "NLB_REGISTRATOR_TARGET_ID=10.0.0.7",
    ]);
    assert(env.output.includes(`PATH=${Deno.env.get("PATH")}`));
  });

  Deno.test(`a command ${how} has nothing on its standard input, and leaves no zombie`, async () => {
    const { log } = await runHook("sh -c 'readlink /proc/self/fd/0; echo $$'", { shell });
    assertEquals(log.output[0], "/dev/null");
    assertEquals(processState(Number(log.output[1])), undefined);
  });
}

Deno.test("the shell runs what needs a shell", async () => {
  const { log } = await runHook('A="b c"; echo "$A" | tr b B && echo done');
  assertEquals(log.output, ["B c", "done"]);
});

/** Commands that cannot be run, and why. */
const UNRUNNABLE: readonly [command: string, shell: boolean, reason: RegExp][] = [
  ["no-such-program --flag", true, /^exit code 127$/],
  ["no-such-program --flag", false, /^it could not be started: .*no-such-program/],
  ["/etc/passwd", false, /^it could not be started: .*Permission denied/],
  [
    "echo a | cat",
    false,
    /^it could not be started: "\|" at character 8 means more to a shell/,
  ],
];

Deno.test("a command that cannot be run fails and says why", async () => {
  for (const [command, shell, reason] of UNRUNNABLE) {
    const { outcome, last } = await runHook(command, { shell });
    assert(outcome.outcome === "failed");
    assertMatch(outcome.reason, reason);
    assertEquals(last.message, `hook failed: ${outcome.reason}`);
  }
});

/** What is printed, and the lines that are logged. */
const PRINTED: readonly [command: string, ...lines: string[]][] = [
  ["printf 'a\\n\\nb\\r\\nc'", "a", "", "b", "c"],
  ["printf 'a\\377b\\n\\303'", "a\ufffdb", "\ufffd"],
];

Deno.test("output is logged line by line, as it comes", async () => {
  for (const [command, ...lines] of PRINTED) {
    const { log } = await runHook(command);
    assertEquals(log.output, lines);
  }
  const hook = startHook("echo first; exec sleep 1000");
  await hook.log.printed(/first/);
  hook.stop();
  await hook.result;
});

Deno.test("an output line names its event and its stream", async () => {
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

Deno.test("the first thousand lines are logged, the others counted", async () => {
  const numbers = (to: number) => Array.from({ length: to }, (_, at) => String(at + 1));
  const exact = await runHook(`seq ${MOST_LINES}`);
  assertEquals([exact.log.output.length, exact.last.fields.lines_dropped], [MOST_LINES, undefined]);
  const more = await runHook("seq 10000");
  assertEquals(more.log.output, numbers(MOST_LINES));
  assertEquals(more.last.fields.lines_dropped, 10_000 - MOST_LINES);
  const open = await runHook("seq 10000; printf open");
  assertEquals(open.last.fields.lines_dropped, 10_001 - MOST_LINES);
});

Deno.test("a line of a hundred megabytes is logged in pieces, up to the limit", async () => {
  const { outcome, log, last } = await runHook("head -c 100000000 /dev/zero | tr '\\0' x");
  assertEquals(outcome.outcome, "succeeded");
  assertEquals(log.output.length, MOST_LINES);
  assert(Number(last.fields.lines_dropped) > 0);
});

/** Commands that fail, and the output that explains it. */
const EXPLAINED: readonly [command: string, output: string | undefined][] = [
  ["seq 10000; exit 1", "9991\n9992\n9993\n9994\n9995\n9996\n9997\n9998\n9999\n10000"],
  [
    "head -c 20000 /dev/zero | tr '\\0' x; echo; echo end; exit 1",
    `${"x".repeat(2_048 - "\nend".length)}\nend`,
  ],
  ["printf a; sleep 0.1; echo b >&2; exit 1", "b\na"],
  ["exit 1", undefined],
  ["echo a", undefined],
];

Deno.test("a failure is explained by the last lines of output, a success is not", async () => {
  for (const [command, output] of EXPLAINED) {
    const { last } = await runHook(command);
    assertEquals(last.fields.output, output, command);
  }
});
