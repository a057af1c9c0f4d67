/** IP addresses, and what the sidecar's own service needs of them. */
import type { Parsed } from "./kinds.ts";

/** The one spelling of an IP address, undefined where the text is none. */
export function canonicalAddress(text: string): string | undefined {
  return ipv4(text) ?? ipv6(text);
}

/** Checks an address. */
export function parseAddress(text: string): Parsed<string> {
  const address = canonicalAddress(text);
  return address !== undefined
    ? { value: address }
    : { fault: "it is neither an IPv4 nor an IPv6 address" };
}

/** Where the service listens. */
export interface ListenAddress {
  /** An IP address; `::` stands for all addresses of both families. */
  readonly hostname: string;
  /** 0: one that is free. */
  readonly port: number;
}

const ALL_ADDRESSES = "::";
const HIGHEST_PORT = 65_535;

/** Reads `:8080`, `127.0.0.1:8080` or `[::1]:8080`. */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const [, bracketed, plain = "", digits = ""] =
    /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > HIGHEST_PORT) {
    return {
      fault: `an address to listen on looks like :8080, 127.0.0.1:8080 or [::1]:8080, ` +
        `with a port up to ${HIGHEST_PORT}`,
    };
  }
  const host = bracketed ?? plain;
  if (bracketed === undefined && host === "") return { value: { hostname: ALL_ADDRESSES, port } };
  const hostname = bracketed === undefined ? ipv4(host) : ipv6(host);
  return hostname !== undefined
    ? { value: { hostname, port } }
    : { fault: "its host is not an IP address; leave it out to listen on all addresses" };
}

/** The URL parser reads `10.1` and `010.0.0.1` too, but writes them in another way. */
function ipv4(text: string): string | undefined {
  return /^[0-9.]+$/.test(text) && hostnameOf(text) === text ? text : undefined;
}

function ipv6(text: string): string | undefined {
  return /^[0-9a-f:.]+$/i.test(text) ? hostnameOf(`[${text}]`)?.slice(1, -1) : undefined;
}

function hostnameOf(host: string): string | undefined {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
