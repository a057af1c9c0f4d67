/** IP addresses in one spelling, so that they can be compared as texts; ranges; listen addresses. */

/** The highest port of TCP and UDP. */
export const HIGHEST_PORT = 65_535;

/**
 * The addresses that stand for the pod itself. Not all of 127.0.0.0/8: Istio's proxy, for example,
 * calls from 127.0.0.6 on behalf of clients from outside.
 */
export const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];

/** Where the HTTP server listens. */
export interface ListenAddress {
  /** An IP address; `::` stands for all addresses of both families. */
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
}

/** A listen address as `-listen` takes it. */
export function listenAddressText({ hostname, port }: ListenAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/**
 * The one spelling of an IP address: an IPv4-mapped IPv6 address becomes the IPv4 address, and
 * IPv6 is as short as RFC 5952 makes it. Undefined if the text is not an address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (!text.includes(":")) return IPV4.test(text) ? text : undefined;
  const url = `http://[${text}]`;
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(url)) return undefined;
  const short = new URL(url).hostname.slice(1, -1);
  return mappedIpv4(short) ?? short;
}

/** The canonical address of a connection's other end; the system may add a zone (`%eth0`). */
export function peerAddress(text: string): string | undefined {
  return canonicalAddress(text.replace(/%.*/s, ""));
}

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** The IPv4 address in an IPv4-mapped IPv6 address (`::ffff:a00:1` is 10.0.0.1). */
function mappedIpv4(address: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [one, other] = [parseInt(high, 16), parseInt(low, 16)];
  return [one >> 8, one & 0xff, other >> 8, other & 0xff].join(".");
}

/** The 32 hexadecimal digits of an address in its canonical spelling; IPv4 is written as mapped. */
export function addressDigits(address: string): string {
  if (!address.includes(":")) {
    const digits = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
    return `${"0".repeat(20)}ffff${digits.join("")}`;
  }
  const [head = "", tail = ""] = address.split("::").map((part) =>
    part.replaceAll(/[0-9a-f]+/g, (word) => word.padStart(4, "0")).replaceAll(":", "")
  );
  return head + tail.padStart(32 - head.length, "0");
}

/** All IP addresses of one family that share their first bits with `address`. */
export interface AddressRange {
  /** In its canonical spelling. */
  readonly address: string;
  /** How many bits: up to 32 for IPv4, up to 128 for IPv6. */
  readonly bits: number;
}

/** Parses an address (a range of one) or a range in CIDR notation; undefined if it is neither. */
export function addressRange(text: string): AddressRange | undefined {
  const [, written = "", digits] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const address = canonicalAddress(written);
  if (address === undefined) return undefined;
  const most = address.includes(":") ? 128 : 32;
  // The first 96 bits of an IPv4-mapped address only mark it as one.
  const bits = Number(digits ?? most) -
    (digits !== undefined && most === 32 && written !== address ? 96 : 0);
  return bits >= 0 && bits <= most ? { address, bits } : undefined;
}

/** Whether a canonical address is in the range. */
export function isInRange(address: string, range: AddressRange): boolean {
  if (address.includes(":") !== range.address.includes(":")) return false;
  const most = address.includes(":") ? 128 : 32;
  const start = (text: string) => BigInt(`0x${addressDigits(text)}`) >> BigInt(most - range.bits);
  return start(address) === start(range.address);
}
