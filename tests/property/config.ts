/** Command line, environment, and every kind of value that they can hold. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseEndpointUrl } from "../../lib/config/addresses.ts";
import { readArguments } from "../../lib/config/arguments.ts";
import { readConfig } from "../../lib/config/config.ts";
import { environmentName, flag, FLAG_NAMES, type FlagName } from "../../lib/config/flags.ts";
import { readSettings } from "../../lib/config/settings.ts";
import { parseGroupArn, parseGroupName } from "../../lib/config/target.ts";
import { addressDigits, canonicalAddress } from "../../lib/host/address.ts";
import { formatDuration, parseDuration } from "../../lib/host/duration.ts";
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
const given: fc.Arbitrary<readonly [FlagName, string]> = name.chain((name) => {
  const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
    "": fc.constantFrom("true", "false", "T", "F", "1", "0"),
    duration: fc.nat(10_000).map((seconds) => `${seconds + 1}s`),
    int: fc.integer({ min: 1, max: 65_535 }).map(String),
  };
  const text = texts[flag(name).word] ?? fc.constant(GOOD[name][0]);
  return text.map((text) => [name, text] as const);
});

function valueOf(name: FlagName, args: readonly string[], env: Record<string, string> = {}) {
  const { values, errors } = readSettings(readArguments(args), env, {});
  assertEquals(errors, []);
  return values[name];
}

/** In nanoseconds. */
const UNITS: Readonly<Record<string, bigint>> = {
  ...{ ns: 1n, us: 1_000n, "µs": 1_000n, "μs": 1_000n, ms: 1_000_000n },
  ...{ s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n },
};

const term = fc.record({
  whole: fc.nat(99_999),
  digits: fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 12 }),
  unit: fc.constantFrom(...Object.keys(UNITS)),
});

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const ofName = fc.string({
  unit: fc.constantFrom(...LETTERS, ...LETTERS.toUpperCase(), ..."0123456789-"),
  maxLength: 40,
});

function isName(text: string): boolean {
  return text.length >= 1 && text.length <= 32 && !text.startsWith("-") && !text.endsWith("-");
}

const arn = fc.record({
  partition: fc.constantFrom("aws", "aws-cn", "aws-us-gov"),
  region: fc.constantFrom("eu-west-1", "us-gov-east-1", "cn-north-1"),
  account: fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 12, maxLength: 12 }),
  name: ofName.filter(isName),
  id: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 }),
}).map((parts) => {
  const { partition, region, account, name, id } = parts;
  const text =
    `arn:${partition}:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`;
  return { by: "arn", arn: text, region, partition, name } as const;
});

export const CONFIG: readonly Property[] = [
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
    (env) => void readConfig([], env),
  ),
  property("any text is a value of any flag, or has a reason", 4, fc.tuple(name, anyText), ([
    name,
    text,
  ]) => {
    for (const { reason } of flag(name).read([text], {}).errors) assert(reason !== "");
  }),
  property("all ways to give a flag mean the same", 0.3, given, ([name, text]) => {
    const value = valueOf(name, [`-${name}=${text}`]);
    assertEquals(valueOf(name, [`--${name}=${text}`]), value);
    if (flag(name).word !== "") {
      assertEquals(valueOf(name, [`-${name}`, text]), value);
      assertEquals(valueOf(name, [`--${name}`, text]), value);
    }
    if (flag(name).inEnvironment === false) return;
    assertEquals(valueOf(name, [], { [environmentName(name)]: text }), value);
  }),
  property(
    "the last of a repeated flag wins, and a list keeps all, whatever stands between",
    0.2,
    fc.tuple(given, fc.array(given)),
    ([[name, text], all]) => {
      const others = all.filter(([other]) => other !== name).map(([name, text]) =>
        `-${name}=${text}`
      );
      const one = valueOf(name, [`-${name}=${text}`]);
      const value = valueOf(name, [`-${name}=${text}`, ...others, `-${name}=${text}`]);
      assertEquals<unknown>(value, flag(name).list ? [one, one].flat() : one);
    },
  ),
  property(
    "a duration that was written is read back without loss",
    3,
    fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
    (ns) => assertEquals(parseDuration(formatDuration(ns)), ns),
  ),
  property(
    "a duration is the sum of its terms",
    3,
    fc.tuple(fc.constantFrom("", "-", "+"), fc.array(term, { minLength: 1, maxLength: 4 })),
    ([sign, terms]) => {
      const texts = terms.map(({ whole, digits, unit }) => `${whole}.${digits}${unit}`);
      const sum = terms.reduce((sum, { whole, digits, unit }) => {
        const length = UNITS[unit] ?? 0n;
        return sum + BigInt(whole) * length +
          BigInt(`0${digits}`) * length / 10n ** BigInt(digits.length);
      }, 0n);
      const read = parseDuration(sign + texts.join("")) ?? 0n;
      const difference = (sign === "-" ? -read : read) - sum;
      // Go reckons fractions in floating point: a nanosecond a term may be lost or won.
      const most = BigInt(terms.length);
      assert(difference <= most && difference >= -most, `${texts}: off by ${difference}`);
    },
  ),
  property(
    "an IPv6 address keeps its bytes in the one spelling that it gets",
    0.3,
    fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
    (groups) => {
      const long = groups.map((group) => group.toString(16).toUpperCase().padStart(4, "0"));
      const address = canonicalAddress(long.join(":")) ?? "";
      assertEquals(canonicalAddress(address), address);
      const digits = groups.map((group) => group.toString(16).padStart(4, "0")).join("");
      assertEquals(addressDigits(address), digits);
    },
  ),
  property("a group's name is refused or kept", 4, ofName, (text) => {
    const parsed = parseGroupName(text);
    assertEquals(
      "value" in parsed ? parsed.value.name : undefined,
      isName(text) ? text : undefined,
    );
  }),
  property("an ARN is taken apart as it was put together", 4, arn, (parts) => {
    assertEquals(parseGroupArn(parts.arn), { value: parts });
  }),
  property(
    "an ARN with one character changed is read or refused",
    4,
    fc.tuple(arn, fc.nat(110), fc.string({ unit: "binary", maxLength: 2 })),
    ([{ arn }, at, put]) => {
      const parsed = parseGroupArn(arn.slice(0, at) + put + arn.slice(at + 1));
      assert("value" in parsed ? isName(parsed.value.name) : parsed.error !== "");
    },
  ),
  property("a web address is an endpoint, and is kept as it is", 2, fc.webUrl(), (url) => {
    assertEquals(parseEndpointUrl(url), { value: url });
  }),
];
