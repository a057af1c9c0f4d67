import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  createLog,
  droppedLine,
  type LogFormat,
  type LogLevel,
  printable,
} from "../../../lib/host/log.ts";

function lines(format: LogFormat, level: LogLevel = "info") {
  const written: string[] = [];
  return { log: createLog({ format, level, write: (line) => written.push(line) }), written };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

/** A text line without its time. */
function textLine(message: string, fields = {}): string {
  const { log, written } = lines("text");
  log.info(message, fields);
  assertEquals(written.length, 1);
  assertMatch(written[0] ?? "", TIME);
  return written[0]?.replace(TIME, "") ?? "";
}

Deno.test("a text line is time, level, message, and key=value, quoted where it is not one word", () => {
  assertEquals(
    textLine("target registered", {
      target: "10.0.0.1",
      port: 9092,
      drained: false,
      gone: undefined,
    }),
    "INFO  target registered target=10.0.0.1 port=9092 drained=false",
  );
  assertEquals(
    textLine("hook output", { line: 'a "b"\nERROR c', empty: "", equal: "a=b", list: ["a", "b"] }),
    'INFO  hook output line="a \\"b\\"\\nERROR c" empty="" equal="a=b" list=a,b',
  );
});

Deno.test("a JSON line holds time, level, message and the fields", () => {
  const { log, written } = lines("json");
  log.error('it said "no"', { exit_code: 5, list: ["a", "b"], gone: undefined });
  const { time, ...rest } = JSON.parse(written[0] ?? "");
  assertMatch(time + " ", TIME);
  assertEquals(rest, { level: "error", message: 'it said "no"', exit_code: 5, list: ["a", "b"] });
});

Deno.test("lines below the level are not written", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  levels.forEach((level, index) => {
    const { log, written } = lines("text", level);
    for (const each of levels) log[each]("x");
    assertEquals(written.length, levels.length - index);
  });
});

/** The fields of a text line, as a parser of the format reads them. */
function fieldsOf(line: string): Record<string, string> {
  const outside = line.replaceAll(/="((?:[^"\\]|\\.)*)"/g, (_, text) => `=${btoa(text)}`)
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, "");
  return Object.fromEntries(
    [...outside.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value]),
  );
}

Deno.test("no text from outside forges a field or a line", () => {
  const forgeries = [
    "TooManyTargets exit_code=0",
    'x" exit_code=0 "',
    'x\\" exit_code=0',
    "a\r\n2026-01-01T00:00:00.000Z INFO  stopped exit_code=0",
    "a\u2028INFO exit_code=0",
  ];
  for (const forgery of forgeries) {
    for (
      const line of [
        textLine(forgery, { exit_code: 4 }),
        textLine("m", { code: forgery, exit_code: 4 }),
      ]
    ) {
      assertEquals(fieldsOf(line).exit_code, "4", line);
      assertEquals(/[\r\n\u2028]/.test(line), false, line);
    }
  }
});

/** Controls, marks of direction, what has no width, line separators, tags, half a character. */
const UNSAFE = [
  ..."\0\t\n\r\u001b\u007f\u009b\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202e",
  ..."\u2060\u2066\u2069\ufeff\ufff9\u{e0041}",
  String.fromCharCode(0xd800),
];

Deno.test("nothing that a terminal acts on or hides is written, in either format", () => {
  for (const character of UNSAFE) {
    const text = `a${character}b é \u{1f600}`;
    for (const format of ["text", "json"] as const) {
      const { log, written } = lines(format);
      log.info(text, { line: text });
      const [line = ""] = written;
      assertEquals(line.includes(character), false, JSON.stringify(line));
      assertEquals(line.split("é \u{1f600}").length, 3, "what is safe stays readable");
      if (format === "json") assertEquals(JSON.parse(line).line, text);
    }
    assertMatch(printable(text), /^a(\\u[0-9a-f]{4}){1,2}b é \u{1f600}$/u);
  }
});

Deno.test("a text of megabytes becomes a line of kilobytes", () => {
  const long = "x".repeat(5_000_000);
  for (const format of ["text", "json"] as const) {
    const { log, written } = lines(format);
    log.info(long, { code: long });
    assert((written[0] ?? "").length < 40_000);
  }
});

Deno.test("the line about dropped lines is a line of the log in either format", () => {
  const message = "log lines were dropped: stderr is read too slowly, or was closed";
  assertEquals(droppedLine("text", 3).replace(TIME, ""), `WARN  ${message} lines=3`);
  const { level, ...rest } = JSON.parse(droppedLine("json", 3));
  assertEquals([level, rest.message, rest.lines], ["warn", message, 3]);
});

Deno.test("a secret of the environment is in no line, in either format", () => {
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==";
  for (const format of ["text", "json"] as const) {
    const written: string[] = [];
    const write = (line: string) => void written.push(line);
    const log = createLog({ format, level: "info", write, secrets: [secret] });
    log.info(`said ${secret} twice: ${secret}`, { line: `KEY="${secret}"` });
    assertEquals(written[0]?.split("…").length, 4);
    assertEquals(written[0]?.includes(secret), false);
  }
});
