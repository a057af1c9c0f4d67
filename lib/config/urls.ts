/** The URLs that flags give: of the application, and of webhooks. */
import type { ApplicationAddress } from "../application/probe.ts";
import type { Parsed } from "./kinds.ts";

const HIGHEST_PORT = 65_535;

/** Scheme, user info, host, port and the rest, whatever they hold. */
const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*?)(?::([0-9]*))?([/?#].*)?$/i;

const APPLICATION_URL = "an application's address looks like tcp://HOST:PORT or " +
  "http://HOST:PORT/PATH (or https://…)";
const WEBHOOK_URL = "a webhook's URL looks like http://HOST:PORT/PATH or https://HOST/PATH";

/** Reads what `-wait-for` names: `tcp://HOST:PORT`, `http://HOST:PORT/PATH`, `https://…`. */
export function parseApplicationUrl(text: string): Parsed<ApplicationAddress> {
  const parts = partsOf(text);
  if (parts === undefined) return { fault: APPLICATION_URL };
  if (!["tcp", "http", "https"].includes(parts.scheme)) {
    return { fault: `its scheme is ${parts.scheme}; ${APPLICATION_URL}` };
  }
  if (parts.hasCredentials) {
    return { fault: "it holds credentials, which a check of the application does not use" };
  }
  const fault = portFault(parts);
  if (fault !== undefined) return { fault };
  return parts.scheme === "tcp" ? tcp(parts) : http(text, APPLICATION_URL);
}

/** Checks a webhook's URL: `http` or `https`. It may hold credentials, so never log it as it is. */
export function parseWebhookUrl(text: string): Parsed<string> {
  const parts = partsOf(text);
  if (parts === undefined) return { fault: WEBHOOK_URL };
  if (!["http", "https"].includes(parts.scheme)) {
    return { fault: `its scheme is ${parts.scheme}; ${WEBHOOK_URL}` };
  }
  const fault = portFault(parts);
  if (fault !== undefined) return { fault };
  const parsed = http(text, WEBHOOK_URL);
  return "value" in parsed ? { value: parsed.value.url } : parsed;
}

interface Parts {
  readonly scheme: string;
  readonly hasCredentials: boolean;
  readonly host: string;
  /** Undefined: there is none, not even a colon. */
  readonly digits: string | undefined;
  readonly rest: string;
}

function partsOf(text: string): Parts | undefined {
  const [whole, scheme = "", userInfo, host = "", digits, rest = ""] = URL_PARTS.exec(text) ?? [];
  // The URL parser would take blanks and backslashes for something else, without a word.
  if (whole === undefined || host === "" || /[\s\\]/.test(text)) return undefined;
  return {
    scheme: scheme.toLowerCase(),
    hasCredentials: userInfo !== undefined,
    host,
    digits,
    rest,
  };
}

function portFault({ scheme, digits }: Parts): string | undefined {
  if (digits === undefined) {
    return scheme === "tcp" ? "it has no port, as in tcp://localhost:9092" : undefined;
  }
  const port = Number(digits);
  return digits !== "" && port >= 1 && port <= HIGHEST_PORT
    ? undefined
    : `its port is ${digits === "" ? "empty" : digits}; a port is a number from 1 to ` +
      `${HIGHEST_PORT}`;
}

function tcp({ host, digits = "", rest }: Parts): Parsed<ApplicationAddress> {
  if (rest !== "" && rest !== "/") {
    return { fault: "a tcp address has no path: it is ready when it accepts connections" };
  }
  // The parser knows the hosts of http alone: it checks them, and gives them one spelling.
  const hostname = parse(`http://${host}`)?.hostname;
  if (hostname === undefined) return { fault: `its host is none; ${APPLICATION_URL}` };
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

function http(
  text: string,
  example: string,
): Parsed<Extract<ApplicationAddress, { kind: "http" }>> {
  const url = parse(text);
  if (url === undefined) return { fault: `its host is none; ${example}` };
  url.hash = "";
  return { value: { kind: "http", url: url.href } };
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
