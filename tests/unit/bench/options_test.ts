import { assertEquals } from "@std/assert";
import { readOptions } from "../../bench/options.ts";

Deno.test("readOptions() has defaults for all", () => {
  assertEquals(readOptions([]), {
    runs: 30,
    idle: 0,
    json: undefined,
    beside: [],
    short: false,
    record: false,
  });
});

Deno.test("readOptions() takes each option, and --beside more than once", () => {
  const args = "--runs 5 --idle=200 --json out.json --beside ../a --beside ../b".split(" ");
  assertEquals(readOptions(args), {
    runs: 5,
    idle: 200,
    json: "out.json",
    beside: ["../a", "../b"],
    short: false,
    record: false,
  });
});

Deno.test("readOptions() takes fewer runs for short", () => {
  const options = readOptions(["--short", "--record"]);
  assertEquals(options, {
    runs: 7,
    idle: 0,
    json: undefined,
    beside: [],
    short: true,
    record: true,
  });
});

for (
  const line of [
    "--runs 0",
    "--runs 1.5",
    "--runs many",
    "--runs",
    "--idle -1",
    "--json",
    "-h",
    "x",
  ]
) {
  Deno.test(`readOptions() answers ${line} with the usage`, () => {
    const answer = readOptions(line.split(" "));
    assertEquals(typeof answer === "string" && answer.startsWith("Usage: "), true);
  });
}
