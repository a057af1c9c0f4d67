/** Target ids, ARNs, names, URLs: what a command line names things by. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readConfig } from "../../lib/config/config.ts";
import { parseEndpointUrl } from "../../lib/config/addresses.ts";
import { parseGroupArn, parseGroupName, parseRegion } from "../../lib/config/target.ts";
import { anyText, type Property, property } from "./property.ts";

/** The id that a command line with this one comes to; undefined: it is refused. */
function targetId(text: string): unknown {
  const reading = readConfig([`-target-id=${text}`, "-target-group-name=a"], {});
  if (reading.kind !== "run") return undefined;
  const target: object = reading.config.target;
  return Object.values(target).flat()[0];
}

/** Eight groups of an IPv6 address from any of its spellings, by hand. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const parse = (part: string) =>
    part === "" ? [] : part.split(":").flatMap((group) => {
      if (!group.includes(".")) return [parseInt(group, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
      return [a * 256 + b, c * 256 + d];
    });
  if (tail === undefined) return parse(head);
  const [before, after] = [parse(head), parse(tail)];
  return [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}

const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });

/** Spells an IPv6 address in one of its ways. */
function spell(groups: readonly number[], [from, length]: readonly [number, number]): string {
  const texts = groups.map((group) => group.toString(16));
  const isZero = length > 0 && from + length <= 8 &&
    groups.slice(from, from + length).every((group) => group === 0);
  if (!isZero) return texts.map((text, at) => at % 2 === 0 ? text.toUpperCase() : text).join(":");
  return `${texts.slice(0, from).join(":")}::${texts.slice(from + length).join(":")}`;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const NAME_CHARACTERS = `${LETTERS}${LETTERS.toUpperCase()}0123456789-`;
const partOfName = fc.string({ unit: fc.constantFrom(...NAME_CHARACTERS), maxLength: 40 });

function isName(text: string): boolean {
  if (text.length < 1 || text.length > 32) return false;
  if (text.startsWith("-") || text.endsWith("-")) return false;
  return [...text].every((char) => NAME_CHARACTERS.includes(char));
}

const arnParts = fc.record({
  partition: fc.constantFrom("aws", "aws-cn", "aws-us-gov"),
  region: fc.constantFrom("eu-west-1", "us-gov-east-1", "cn-north-1"),
  account: fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 12, maxLength: 12 }),
  name: partOfName.filter(isName),
  id: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 }),
});

export const ADDRESSES: readonly Property[] = [
  property(
    "four numbers up to 255 are an address, and others are none",
    0.3,
    fc.array(fc.nat(300), { minLength: 4, maxLength: 4 }),
    (octets) => {
      const text = octets.join(".");
      assertEquals(targetId(text), octets.every((octet) => octet <= 255) ? text : undefined);
    },
  ),
  property(
    "an IPv6 address comes out the same in one spelling, however it was spelt",
    0.3,
    fc.tuple(groups, fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 8 }))),
    ([groups, zeros]) => {
      const id = targetId(spell(groups, zeros));
      assert(typeof id === "string", spell(groups, zeros));
      // An IPv4-mapped address becomes the IPv4 address.
      assertEquals(groupsOf(id.includes(":") ? id : `::ffff:${id}`), groups);
      assertEquals(targetId(id), id);
      assertEquals(targetId(spell(groups, [0, 0])), id);
    },
  ),
  property("any text is a target's id or is refused", 0.3, anyText, (text) => void targetId(text)),
  property("a group's name is refused or kept", 4, partOfName, (text) => {
    const parsed = parseGroupName(text);
    assertEquals("value" in parsed, isName(text));
    if ("value" in parsed) assertEquals(parsed.value.name, text);
  }),
  property("an ARN is taken apart as it was put together", 4, arnParts, (parts) => {
    const { partition, region, account, name, id } = parts;
    const arn =
      `arn:${partition}:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`;
    const parsed = parseGroupArn(arn);
    assert("value" in parsed, arn);
    assertEquals(
      [parsed.value.arn, parsed.value.partition, parsed.value.region, parsed.value.name],
      [arn, partition, region, name],
    );
  }),
  property(
    "an ARN with one character changed is read or refused",
    4,
    fc.tuple(arnParts, fc.nat(110), fc.string({ unit: "binary", maxLength: 2 })),
    ([{ partition, region, account, name, id }, at, put]) => {
      const arn =
        `arn:${partition}:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`;
      const parsed = parseGroupArn(arn.slice(0, at) + put + arn.slice(at + 1));
      if ("value" in parsed) assert(isName(parsed.value.name));
      else assert(parsed.error !== "");
    },
  ),
  property("any text is an ARN or a name or neither", 4, anyText, (text) => {
    parseGroupArn(text);
    parseGroupName(text);
    parseRegion(text);
  }),
  property("a web address is an endpoint, and is kept as it is", 2, fc.webUrl(), (url) => {
    assertEquals(parseEndpointUrl(url), { value: url });
  }),
  property("any other text is an endpoint only if fetch could take it", 4, anyText, (text) => {
    const parsed = parseEndpointUrl(text);
    if ("value" in parsed) assert(/^\s*https?:/i.test(text.replaceAll(/[\0-\x20]/g, "")), text);
  }),
];
