/** The emulator as a program: its options, and what it prints. */
import {
  assert,
  assertEquals,
  assertObjectMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { PrintedLines } from "../../../tools/lines.ts";
import { readArguments, USAGE } from "../../emulator/arguments.ts";
import { FAULTS } from "../../emulator/faults.ts";
import { program } from "./child.ts";

Deno.test("groups are read in each of their forms", () => {
  const cases = [
    [[], { name: "kafka", port: 9092, registering: 1000, timeScale: 1 }],
    [["--group", "b:1", "--group", "c"], { name: "b", port: 1 }],
    [["--group", "d:1,timeScale=20,listener=true"], { port: 1, timeScale: 20, listener: true }],
    [["--group", '{"name":"e","health":{"check":"tcp"}}'], { health: { check: "tcp" } }],
  ] as const;
  for (const [args, expected] of cases) {
    const options = readArguments(args);
    assert(options !== "help");
    assertObjectMatch({ ...options.groups?.[0] }, expected);
  }
});

Deno.test("options, groups and faults that cannot be are refused", () => {
  const cases = [
    [["--port", "x"], "--port x is not a port"],
    [["--region", "here"], "--region here is not like eu-west-1"],
    [["--foo", "1"], "There is no option foo"],
    [["more"], '"more" belongs to no option'],
    [["--group", "b:0"], "port 0 is not within 1 and 65535"],
    [["--group", "b,timeScale=0"], "a time scale is more than 0 and not 0"],
    [["--group", '{"nome":"c"}'], "a group has no nome"],
    [["--fault", "{"], "it is not JSON"],
    [["--fault", "{}"], "what undefined is none of throttle, "],
    [["--fault", '{"what":"throttle","action":"Sing"}'], 'action "Sing" is none of '],
    [["--fault", '{"what":"throttle","occurrence":0}'], "occurrence is not"],
    [["--fault", '{"what":"throttle","code":"Busy"}'], "code is not one of Throttling, "],
    [["--fault", '{"what":"reset","time":1}'], "reset has no time"],
    [["--fault", '{"what":"clock-skew"}'], "clock-skew needs seconds"],
  ] as const;
  for (const [args, words] of cases) assertThrows(() => readArguments(args), RangeError, words);
});

Deno.test("-h asks for help, whatever else there is; it names every fault and what it takes", () => {
  assertEquals(readArguments(["-h", "--foo"]), "help");
  for (const [name, { help, takes, ...rest }] of Object.entries(FAULTS)) {
    const [, rows = ""] = USAGE.split(`\n  ${name} `);
    const [row = ""] = rows.split(/\n {2}(?=\S)/);
    assertStringIncludes(row, help);
    const parameters = takes.length === 0 ? [] : [takes.join(", ")];
    const codes = "codes" in rest ? rest.codes.map((code) => `"code":"${code}"`) : [];
    assertEquals([...row.matchAll(/\[(.+)\]|("code":".+")/g)].map(([, a, b]) => a ?? b), [
      ...parameters,
      ...codes,
    ]);
  }
});

Deno.test("the program prints its address, calls and credentials, and ends at SIGTERM", async () => {
  const child = program("tests/emulator/main.ts", {}).spawn();
  const [stdout, stderr] = [new PrintedLines(child.stdout), new PrintedLines(child.stderr)];
  const url = await stdout.line(/^http:\/\/127\.0\.0\.1:\d+$/);
  for (const path of ["/?Action=DescribeTargetGroups", "/v1/credentials"]) {
    await fetch(url + path).then((response) => response.body?.cancel());
  }
  await stdout.line(/ call 1: DescribeTargetGroups$/);
  await stdout.line(/ call 1: 403 MissingAuthenticationToken$/);
  await stdout.line(/ credentials: container 403$/);
  child.kill("SIGTERM");
  await Promise.all([stdout.end, stderr.end]);
  assertEquals([(await child.status).code, stderr.lines], [0, []]);
});
