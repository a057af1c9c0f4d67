/** The command line and the environment. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readArguments } from "../../lib/config/arguments.ts";
import { readConfig } from "../../lib/config/config.ts";
import { environmentName, flag, FLAG_NAMES, type FlagName } from "../../lib/config/flags.ts";
import { variablesOf } from "../../lib/config/flags.ts";
import { quote } from "../../lib/config/go_values.ts";
import { readSettings } from "../../lib/config/settings.ts";
import { GOOD } from "../unit/config/_reading.ts";
import { anyText, type Property, property } from "./property.ts";

const name = fc.constantFrom(...FLAG_NAMES);

/** Arguments that are nearly right. */
const argument = fc.oneof(
  anyText,
  fc.tuple(fc.constantFrom("-", "--", "---", ""), name, fc.constantFrom("", "="), anyText)
    .map((parts) => parts.join("")),
  fc.constantFrom("-h", "--help", "-version", "--", "-", "true", "5s", "10.0.0.1", "80"),
);

/** A flag with a good text for it. */
const given: fc.Arbitrary<readonly [FlagName, string]> = name.chain((name) =>
  goodText(name).map((text) => [name, text] as const)
);

function goodText(name: FlagName): fc.Arbitrary<string> {
  switch (flag(name).word) {
    case "":
      return fc.constantFrom("true", "false", "T", "F", "1", "0");
    case "duration":
      return fc.nat(10_000).map((seconds) => `${seconds + 1}s`);
    case "int":
      return fc.integer({ min: 1, max: 65_535 }).map(String);
    case "string":
      return fc.constant(GOOD[name][0]);
  }
}

function valueOf(name: FlagName, args: readonly string[], env: Record<string, string> = {}) {
  const { values, errors } = readSettings(readArguments(args), env, { shell: true });
  assertEquals(errors, []);
  return values[name];
}

export const FLAGS: readonly Property[] = [
  property("any command line is read or refused, in sentences", 0.4, fc.array(argument), (args) => {
    const reading = readConfig(args, {});
    if (reading.kind !== "errors") return;
    assert(reading.errors.length > 0);
    assert(reading.errors.every((error) => error !== "" && !error.includes("undefined (")));
  }),
  property(
    "any environment is read or refused",
    0.3,
    fc.dictionary(fc.oneof(name.map(environmentName), fc.constantFrom("POD_IP")), anyText),
    (env) => {
      const { kind } = readConfig([], env);
      assert(kind === "errors" || kind === "version" || kind === "run");
    },
  ),
  property("all four ways to write a flag mean the same", 0.3, given, ([name, text]) => {
    const value = valueOf(name, [`-${name}=${text}`]);
    assertEquals(valueOf(name, [`--${name}=${text}`]), value);
    if (flag(name).word === "") return;
    assertEquals(valueOf(name, [`-${name}`, text]), value);
    assertEquals(valueOf(name, [`--${name}`, text]), value);
  }),
  property("a flag and its variable mean the same", 0.3, given, ([name, text]) => {
    if (variablesOf(name).length === 0) return;
    assertEquals(
      valueOf(name, [], { [environmentName(name)]: text }),
      valueOf(name, [`-${name}=${text}`]),
    );
  }),
  property(
    "the last of a repeated flag wins, and a list keeps all",
    0.2,
    fc.tuple(given, fc.array(given), fc.array(given)),
    ([[name, text], before, after]) => {
      const others = (all: readonly (readonly [FlagName, string])[]) =>
        all.filter(([other]) => other !== name).map(([other, text]) => `-${other}=${text}`);
      const args = [
        ...others(before),
        `-${name}=${text}`,
        ...others(after),
        `-${name}=${text}`,
      ];
      const value = valueOf(name, args);
      const single = valueOf(name, [`-${name}=${text}`]);
      if (flag(name).list) assertEquals<unknown>(value, [single, single].flat());
      else assertEquals(value, single);
    },
  ),
  property("a quoted text is one line, and tells all of the text", 2, anyText, (text) => {
    const quoted = quote(text);
    assert(!/[\n\r\u2028]/.test(quoted));
    assertEquals(unquote(quoted), text.toWellFormed());
  }),
];

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  '"': '"',
  "\\": "\\",
};

/** Go's `strconv.Unquote`, as far as `%q` makes use of it. */
function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g,
    (_, x?: string, u?: string, long?: string, char = "") => {
      const code = x ?? u ?? long;
      return code === undefined ? ESCAPES[char] ?? "?" : String.fromCodePoint(parseInt(code, 16));
    },
  );
}
