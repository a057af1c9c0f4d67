/** What is registered: an IP address or an instance. */
import type { Parsed } from "./kinds.ts";

const INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/** Checks a target's id; an IPv6 address comes out in the one spelling that the API has too. */
export function parseTargetId(text: string): Parsed<string> {
  const id = INSTANCE.test(text) ? text : parseIPv4(text) ?? parseIPv6(text);
  return id !== undefined ? { value: id } : {
    fault: "a target's id is an IPv4 or IPv6 address, or an instance's id (i-…)",
  };
}

/** The URL parser reads `10.1` and `010.0.0.1` too, but writes them in another way. */
function parseIPv4(text: string): string | undefined {
  return /^[0-9.]+$/.test(text) && hostname(text) === text ? text : undefined;
}

function parseIPv6(text: string): string | undefined {
  return /^[0-9a-f:.]+$/i.test(text) ? hostname(`[${text}]`)?.slice(1, -1) : undefined;
}

function hostname(host: string): string | undefined {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
