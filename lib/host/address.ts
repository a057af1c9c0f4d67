/** IP addresses in one spelling, so that they can be compared as texts. */

/**
 * The one spelling of an address as the system tells it: an IPv4-mapped IPv6 address is the IPv4
 * address, IPv6 is as short as RFC 5952 makes it, and a zone (`%eth0`) is left out, since
 * `-drain-allow` can name none. Undefined where the text is no address.
 */
export function plainAddress(text: string): string | undefined {
  const [address = ""] = text.split("%");
  if (!address.includes(":")) return IPV4.test(address) ? address : undefined;
  if (!/^[0-9a-f:.]+$/i.test(address)) return undefined;
  const url = `http://[${address}]`;
  if (!URL.canParse(url)) return undefined;
  const short = new URL(url).hostname.slice(1, -1);
  return mapped(short) ?? short;
}

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** The IPv4 address that an IPv6 address stands for (`::ffff:a00:1` is 10.0.0.1). */
function mapped(address: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [one, other] = [parseInt(high, 16), parseInt(low, 16)];
  return [one >> 8, one & 0xff, other >> 8, other & 0xff].join(".");
}

/** The 16 bytes of an address in the spelling of `plainAddress`; IPv4 is written as mapped. */
export function addressBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (!address.includes(":")) {
    bytes.set([0xff, 0xff, ...address.split(".").map(Number)], 10);
    return bytes;
  }
  const [head = "", tail] = address.split("::");
  const words = (text: string) =>
    text === "" ? [] : text.split(":").map((word) => parseInt(word, 16));
  const ending = tail === undefined ? [] : words(tail);
  const put = (values: readonly number[], at: number) =>
    values.forEach((word, index) => bytes.set([word >> 8, word & 0xff], 2 * (at + index)));
  put(words(head), 0);
  put(ending, 8 - ending.length);
  return bytes;
}
