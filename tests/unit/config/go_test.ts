import { assert, assertEquals } from "@std/assert";
import { type Arguments, readArguments } from "../../../lib/config/arguments.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { readSettings } from "../../../lib/config/settings.ts";
import { formatDuration } from "../../../lib/host/duration.ts";
import { EXIT } from "../../../lib/host/exit.ts";
import vectors from "../../data/go/go_flags.json" with { type: "json" };

/** What Go does not know of: operands are its caller's business, and it takes any string. */
const NOT_GOS =
  /^unexpected argument |^invalid value .* for flag -(target-group-name|target-id|pre-register-command): /;

for (const { args, values, rest = [], error, exit } of vectors) {
  Deno.test(`the command line means what it means in Go: ${JSON.stringify(args)}`, () => {
    const read = readArguments(args);
    if (error === "flag: help requested") {
      assertEquals([readConfig(args, {}).kind, exit], ["help", EXIT.done]);
      return;
    }
    assertEquals(read.help, false);
    const settings = readSettings(read, {}, {});
    if (error !== undefined) {
      // Go shows what may be a secret.
      const shown = error.replace(/^(bad flag syntax: [^=]*=).+/s, "$1…");
      assert(settings.errors.some((sentence) => sentence.startsWith(shown)), error);
      assertEquals([readConfig(args, {}).kind, exit], ["errors", EXIT.usage]);
      return;
    }
    assertEquals(settings.errors.filter((sentence) => !NOT_GOS.test(sentence)), []);
    assertEquals(read.operands, rest);
    const isOperand = settings.errors.some((sentence) =>
      sentence.startsWith("unexpected argument")
    );
    assertEquals(isOperand, rest.length > 0);
    assertEquals({
      "pre-register-command": last(read, "pre-register-command"),
      "target-group-name": last(read, "target-group-name"),
      "target-id": last(read, "target-id"),
      "wait-in-service": String(settings.values["wait-in-service"]),
      "wait-in-service-timeout": formatDuration(
        BigInt(settings.values["wait-in-service-timeout"] * 1_000_000),
      ),
    }, values);
  });
}

function last(
  { given }: Arguments,
  name: "pre-register-command" | "target-group-name" | "target-id",
) {
  return given.get(name)?.at(-1) ?? "";
}
