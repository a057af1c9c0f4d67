/** The addresses and URLs in flags. */
import {
  type AddressRange,
  addressRange,
  canonicalAddress,
  HIGHEST_PORT,
  type ListenAddress,
} from "../host/address.ts";
import type { Parsed } from "./flag.ts";

/** An address that must answer before the target is registered (`-wait-for`). */
export type ApplicationAddress =
  /** Ready when it accepts connections. `hostname` has no brackets. */
  | {
    readonly kind: "tcp";
    readonly url: string;
    readonly hostname: string;
    readonly port: number;
  }
  /** Ready when it answers a GET with a status from 200 to 399. */
  | { readonly kind: "http"; readonly url: string };

/** Parses an IP address or a CIDR range. */
export function parseAddressRange(text: string): Parsed<AddressRange> {
  const value = addressRange(text);
  return value !== undefined
    ? { value }
    : { error: "it must be an IP address or a range, as in 10.0.0.7 or 10.0.0.0/8" };
}

const ALL_ADDRESSES = "::";

/** Parses `:8080`, `127.0.0.1:8080` or `[::1]:8080`. */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const [, bracketed, plain = "", digits = ""] =
    /^(?:\[([^\]]+)\]|([^:[\]]*)):([0-9]+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > HIGHEST_PORT) {
    return {
      error: `an address to listen on looks like :8080, 127.0.0.1:8080 or [::1]:8080, ` +
        `with a port up to ${HIGHEST_PORT}`,
    };
  }
  const host = bracketed ?? plain;
  const hostname = host === "" ? ALL_ADDRESSES : canonicalAddress(host);
  return hostname !== undefined
    ? { value: { hostname, port } }
    : { error: "its host is not an IP address; leave it out to listen on all addresses" };
}

/** Parses the URL of the API. */
export function parseEndpointUrl(text: string): Parsed<string> {
  const url = parseUrl(text, ["http", "https"], "a URL looks like https://10.0.0.1:4566");
  if ("error" in url) return url;
  return hasCredentials(url.value)
    ? { error: "it contains credentials, which the API does not take from a URL" }
    : { value: text };
}

/** Parses a webhook's URL. It may contain secrets: log its public part only. */
export function parseWebhookUrl(text: string): Parsed<string> {
  const url = parseUrl(
    text,
    ["http", "https"],
    "a webhook's URL looks like http://HOST:PORT/PATH or https://HOST/PATH",
  );
  return "error" in url ? url : { value: url.value.href };
}

/** Parses `tcp://HOST:PORT`, `http://HOST:PORT/PATH` or `https://…`. */
export function parseApplicationUrl(text: string): Parsed<ApplicationAddress> {
  const parsed = parseUrl(
    text,
    ["tcp", "http", "https"],
    "an application's address looks like tcp://HOST:PORT or http://HOST:PORT/PATH (or https://…)",
  );
  if ("error" in parsed) return parsed;
  const url = parsed.value;
  if (hasCredentials(url)) {
    return { error: "it contains credentials, which a check of the application does not use" };
  }
  if (url.protocol !== "tcp:") return { value: { kind: "http", url: url.href } };
  if (url.port === "") return { error: "it has no port, as in tcp://localhost:9092" };
  if (!["", "/"].includes(url.pathname + url.search)) {
    return { error: "a tcp address has no path: it is ready when it accepts connections" };
  }
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    value: { kind: "tcp", url: `tcp://${url.host}`, hostname, port: Number(url.port) },
  };
}

/** Parses a URL that has a host, and drops its fragment. */
function parseUrl(text: string, schemes: readonly string[], example: string): Parsed<URL> {
  const [, scheme = ""] = /^([a-z][a-z0-9+.-]*):\/\/[^/?#]/i.exec(text) ?? [];
  // The URL parser would silently drop or replace blanks and backslashes.
  if (scheme === "" || /[\s\\]/.test(text)) return { error: example };
  if (!schemes.includes(scheme.toLowerCase())) {
    return { error: `its scheme is ${scheme}; ${example}` };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "" || url.port === "0") {
    return { error: `its host or port is invalid; ${example}` };
  }
  url.hash = "";
  return { value: url };
}

function hasCredentials({ username, password }: URL): boolean {
  return username + password !== "";
}
