import { assert, assertEquals } from "@std/assert";
import { addressDigits, addressRange, isInRange, peerAddress } from "../../../lib/host/address.ts";

const SPELLINGS: readonly [string, string | undefined][] = [
  ["10.0.0.1", "10.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["::FFFF:a00:1", "10.0.0.1"],
  ["0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1"],
  ["::ffff:0:0", "0.0.0.0"],
  ["::ffff:10.0.0.1%eth0", "10.0.0.1"],
  ["2001:0DB8::0:7", "2001:db8::7"],
  ["fe80::1%eth0", "fe80::1"],
  ["::", "::"],
  // Not mapped: IPv4-compatible, IPv4-translated, NAT64.
  ["::10.0.0.1", "::a00:1"],
  ["::ffff:0:10.0.0.1", "::ffff:0:a00:1"],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ["10.0.0.256", undefined],
  ["10.0.0", undefined],
  ["010.0.0.1", undefined],
  ["1::2::3", undefined],
  ["::1]:80/[::1", undefined],
  ["localhost", undefined],
  ["", undefined],
  [" 10.0.0.1", undefined],
];

for (const [text, plain] of SPELLINGS) {
  Deno.test(`${JSON.stringify(text)} is ${plain ?? "no address"}`, () => {
    assertEquals(peerAddress(text), plain);
  });
}

Deno.test("an address has its digits in the order of the network", () => {
  assertEquals(addressDigits("10.1.2.3"), "00000000000000000000ffff0a010203");
  assertEquals(addressDigits("::1"), "00000000000000000000000000000001");
  assertEquals(addressDigits("::"), "00000000000000000000000000000000");
  assertEquals(addressDigits("2001:db8::7"), "20010db8000000000000000000000007");
  assertEquals(addressDigits("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  assertEquals(addressDigits("fe80::"), "fe800000000000000000000000000000");
});

/** A range, addresses in it, and others. */
const RANGES: readonly [string, readonly string[], readonly string[]][] = [
  ["10.0.0.7", ["10.0.0.7"], ["10.0.0.6", "::a00:7"]],
  ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "9.255.255.255"]],
  ["10.0.0.9/30", ["10.0.0.8", "10.0.0.11"], ["10.0.0.12", "10.0.0.7"]],
  ["::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.0"]],
  ["0.0.0.0/0", ["255.0.0.1"], ["::1"]],
  ["2001:db8::/32", ["2001:db8:ffff::1"], ["2001:db9::", "10.0.0.1"]],
  ["::/0", ["fe80::1"], ["10.0.0.1"]],
];

Deno.test("a range holds the addresses of its family that begin alike", () => {
  for (const [text, inside, outside] of RANGES) {
    const range = addressRange(text);
    assert(range !== undefined, text);
    assertEquals(inside.filter((address) => !isInRange(address, range)), []);
    assertEquals(outside.filter((address) => isInRange(address, range)), []);
  }
  for (const text of ["10.0.0.0/33", "::/129", "::ffff:10.0.0.0/95", "10.0.0.0/", "x/8", "/8"]) {
    assertEquals(addressRange(text), undefined, text);
  }
});
