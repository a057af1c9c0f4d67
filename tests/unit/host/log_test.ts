import { assertEquals, assertMatch } from "@std/assert";
import { createLog, type LogFormat, type LogLevel } from "../../../lib/host/log.ts";

function lines(format: LogFormat, level: LogLevel = "info") {
  const written: string[] = [];
  return { log: createLog({ format, level, write: (line) => written.push(line) }), written };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

Deno.test("a text line is time, level, message, and key=value", () => {
  const { log, written } = lines("text");
  log.info("target registered", { target: "10.0.0.1", port: 9092, drained: false });
  assertMatch(written[0] ?? "", TIME);
  assertEquals(
    written[0]?.replace(TIME, ""),
    "INFO  target registered target=10.0.0.1 port=9092 drained=false",
  );
});

Deno.test("a text value with spaces, quotes or line breaks is quoted", () => {
  const { log, written } = lines("text");
  log.warn("hook output", { line: 'a "b"\nERROR c', empty: "", equal: "a=b" });
  assertEquals(
    written[0]?.replace(TIME, ""),
    'WARN  hook output line="a \\"b\\"\\nERROR c" empty="" equal="a=b"',
  );
});

Deno.test("a message cannot forge a second line", () => {
  const { log, written } = lines("text");
  log.error("no answer: a\r\n2026-01-01T00:00:00.000Z INFO  b");
  assertEquals(written[0]?.includes("\n"), false);
  assertEquals(written[0]?.includes("\r"), false);
});

Deno.test("a field that is undefined is left out, a list is joined by commas", () => {
  for (const format of ["text", "json"] as const) {
    const { log, written } = lines(format);
    log.info("resolved", { target_group: ["a", "b"], port: undefined });
    assertEquals(written[0]?.includes("port"), false);
    assertMatch(written[0] ?? "", format === "text" ? /target_group=a,b$/ : /"a","b"/);
  }
});

Deno.test("a JSON line holds time, level, message and the fields", () => {
  const { log, written } = lines("json");
  log.error('it said "no"', { exit_code: 5 });
  const { time, ...rest } = JSON.parse(written[0] ?? "");
  assertMatch(time + " ", TIME);
  assertEquals(rest, { level: "error", message: 'it said "no"', exit_code: 5 });
});

Deno.test("lines below the level are not written", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  levels.forEach((level, index) => {
    const { log, written } = lines("text", level);
    for (const each of levels) log[each]("x");
    assertEquals(written.length, levels.length - index);
  });
});

Deno.test("no control character reaches a terminal, in neither format", () => {
  const nasty = "a\u001b[2J\u009b2J\u2028\u2029\u007fb";
  for (const format of ["text", "json"] as const) {
    const { log, written } = lines(format);
    log.info(nasty, { line: nasty });
    assertEquals(/[\p{Cc}\p{Zl}\p{Zp}]/u.test(written[0] ?? ""), false, written[0]);
    assertEquals(written[0]?.includes("b"), true);
  }
});
