import { assertEquals } from "@std/assert";
import { addressBytes, peerAddress } from "../../../lib/host/address.ts";

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

Deno.test("an address has its bytes in the order of the network", () => {
  const hex = (address: string) =>
    [...addressBytes(address)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(hex("10.1.2.3"), "00000000000000000000ffff0a010203");
  assertEquals(hex("::1"), "00000000000000000000000000000001");
  assertEquals(hex("::"), "00000000000000000000000000000000");
  assertEquals(hex("2001:db8::7"), "20010db8000000000000000000000007");
  assertEquals(hex("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  assertEquals(hex("fe80::"), "fe800000000000000000000000000000");
});
