import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Arguments, readArguments } from "../../../lib/config/arguments.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { readSettings, type Settings } from "../../../lib/config/settings.ts";
import { formatDuration } from "../../../lib/host/duration.ts";
import { EXIT } from "../../../lib/host/exit.ts";
import vectors from "../../data/go/go_flags.json" with { type: "json" };

type Vector = typeof vectors[number];

for (const vector of vectors) {
  Deno.test(`readConfig() says what Go says of ${JSON.stringify(vector.args)}`, () => {
    const read = readArguments(vector.args);
    if (vector.error === "flag: help requested") return assertHelp(vector, read);
    assertEquals(read.help, false);
    const settings = readSettings(read, {});
    if (vector.error !== undefined) assertFault(vector, vector.error, settings);
    else assertValues(vector, settings);
  });
}

function assertHelp({ args, exit }: Vector, { faults }: Arguments): void {
  assertEquals(readConfig(args, {}).kind, "help");
  assertEquals(faults, []);
  assertEquals(exit, EXIT.done);
}

/** Go stops at its first fault; here it is the first of all. */
function assertFault({ args, exit }: Vector, error: string, { faults }: Settings): void {
  assertEquals(faults[0]?.slice(0, error.length), error);
  const reading = readConfig(args, {});
  assert(reading.kind === "faults");
  assertEquals(reading.faults.slice(0, faults.length), faults);
  assertEquals(exit, EXIT.usage);
}

function assertValues({ args, values, rest = [] }: Vector, settings: Settings): void {
  const { faults, operands } = settings;
  assertEquals(asGoPrints(settings, values?.["target-group-name"] ?? ""), values);
  assertEquals(operands, rest);
  if (rest.length === 0) return assertEquals(faults, []);
  // An operand is a fault here, whereas Go leaves it to the program.
  assertEquals(faults.length, 1);
  assertStringIncludes(faults[0] ?? "", "unexpected argument ");
  assertEquals(readConfig(args, {}).kind, "faults");
}

/** A list has no empty value, where Go's last one may be empty; else the last one is the same. */
function asGoPrints({ values }: Settings, goName: string) {
  const names = values["target-group-name"];
  return {
    "pre-register-command": values["pre-register-command"] ?? "",
    "target-group-name": goName === "" ? "" : names.at(-1),
    "target-id": values["target-id"] ?? "",
    "wait-in-service": String(values["wait-in-service"]),
    "wait-in-service-timeout": formatDuration(
      BigInt(values["wait-in-service-timeout"] * 1_000_000),
    ),
  };
}
