/** The addresses and URLs that flags give. */
import {
  type AddressRange,
  addressRange,
  canonicalAddress,
  HIGHEST_PORT,
  type ListenAddress,
} from "../host/address.ts";
import type { Parsed } from "./flag.ts";

/** What has to answer before the target is registered, as `-wait-for` names it. */
export type ApplicationAddress =
  /** Ready when it accepts connections. An IPv6 address stands without its brackets. */
  | {
    readonly kind: "tcp";
    /** For the log: it contains no credentials. */
    readonly url: string;
    readonly hostname: string;
    readonly port: number;
  }
  /** Ready when it answers a GET with a status from 200 to 399. */
  | { readonly kind: "http"; readonly url: string };

/** Reads an IP address or a range of them. */
export function parseAddressRange(text: string): Parsed<AddressRange> {
  const value = addressRange(text);
  return value !== undefined
    ? { value }
    : { error: "it must be an IP address or a range, as in 10.0.0.7 or 10.0.0.0/8" };
}

const ALL_ADDRESSES = "::";

/** Reads `:8080`, `127.0.0.1:8080` or `[::1]:8080`. */
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

/** Reads the URL of an API. */
export function parseEndpointUrl(text: string): Parsed<string> {
  const { protocol, username, password } = new URL(URL.canParse(text) ? text : "none:");
  if (!["http:", "https:"].includes(protocol)) {
    return { error: "a URL begins with http:// or https://, as in https://10.0.0.1:4566" };
  }
  return username + password === ""
    ? { value: text }
    : { error: "it contains credentials, which the API does not take from a URL" };
}

const APPLICATION_URL = "an application's address looks like tcp://HOST:PORT or " +
  "http://HOST:PORT/PATH (or https://…)";
const WEBHOOK_URL = "a webhook's URL looks like http://HOST:PORT/PATH or https://HOST/PATH";

/** Reads `tcp://HOST:PORT`, `http://HOST:PORT/PATH` or `https://…`. */
export function parseApplicationUrl(text: string): Parsed<ApplicationAddress> {
  const parsed = partsOf(text, ["tcp", "http", "https"], APPLICATION_URL);
  if ("error" in parsed) return parsed;
  const parts = parsed.value;
  if (parts.hasCredentials) {
    return { error: "it contains credentials, which a check of the application does not use" };
  }
  if (parts.scheme === "tcp") return tcpAddress(parts);
  const url = withoutFragment(text);
  return url !== undefined ? { value: { kind: "http", url } } : noHost(APPLICATION_URL);
}

/** Reads a webhook's URL: `http` or `https`. It may contain secrets, so never log all of it. */
export function parseWebhookUrl(text: string): Parsed<string> {
  const parsed = partsOf(text, ["http", "https"], WEBHOOK_URL);
  if ("error" in parsed) return parsed;
  const value = withoutFragment(text);
  return value !== undefined ? { value } : noHost(WEBHOOK_URL);
}

interface UrlParts {
  readonly scheme: string;
  readonly hasCredentials: boolean;
  readonly host: string;
  /** Undefined: there is none, not even a colon. */
  readonly digits: string | undefined;
  readonly rest: string;
}

/** Scheme, user info, host, port and the rest, whatever they hold. */
const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*?)(?::([0-9]*))?([/?#].*)?$/i;

/** Takes a URL apart without the URL parser, which repairs more than anybody can have meant. */
function partsOf(text: string, schemes: readonly string[], example: string): Parsed<UrlParts> {
  const [whole, written = "", userInfo, host = "", digits, rest = ""] = URL_PARTS.exec(text) ?? [];
  // The URL parser would take blanks and backslashes for something else, without a word.
  if (whole === undefined || host === "" || /[\s\\]/.test(text)) return { error: example };
  const scheme = written.toLowerCase();
  if (!schemes.includes(scheme)) return { error: `its scheme is ${scheme}; ${example}` };
  if (digits !== undefined) {
    const port = Number(digits);
    if (digits === "" || port < 1 || port > HIGHEST_PORT) {
      return {
        error: `its port is ${digits === "" ? "empty" : digits}; a port is a number from 1 to ` +
          `${HIGHEST_PORT}`,
      };
    }
  }
  return { value: { scheme, hasCredentials: userInfo !== undefined, host, digits, rest } };
}

function tcpAddress({ host, digits, rest }: UrlParts): Parsed<ApplicationAddress> {
  if (digits === undefined) return { error: "it has no port, as in tcp://localhost:9092" };
  if (rest !== "" && rest !== "/") {
    return { error: "a tcp address has no path: it is ready when it accepts connections" };
  }
  // The URL parser checks the hosts of http alone, and gives them one spelling.
  const url = `http://${host}`;
  if (!URL.canParse(url)) return noHost(APPLICATION_URL);
  const { hostname } = new URL(url);
  const port = Number(digits);
  return {
    value: {
      kind: "tcp",
      url: `tcp://${hostname}:${port}`,
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
    },
  };
}

function withoutFragment(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.hash = "";
  return url.href;
}

function noHost(example: string): { error: string } {
  return { error: `its host is invalid; ${example}` };
}

/** A scheme that a flag takes or none, a host with a port of digits or none, and the rest. */
const PUBLIC_PART =
  /^(\s*(?:(?:https?|tcp):(?=[/\\]))?[/\\]*(?:\[[0-9a-f:.]*\]|[^:/\\?#\s@]*)(?::[0-9]*(?=[/\\?#]|$))?)(.*)$/is;

/**
 * What an error may show of a text that is meant to be a URL: scheme, host and port. User, path and
 * query often contain secrets, and of a faulty URL nobody knows which part is which.
 */
export function publicPart(url: string): string {
  const [, start = "", rest = ""] = PUBLIC_PART.exec(url) ?? [];
  if (url.includes("@")) return `${/^(?:[a-z][a-z0-9+.-]*:\/\/)?/i.exec(url)?.[0]}…`;
  return rest === "" || rest === "/" ? url : `${start}…`;
}

/** A text with no more of the URLs in it than their public parts. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]*/gi, publicPart);
}
