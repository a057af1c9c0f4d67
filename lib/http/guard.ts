/** Decides who may call the endpoints that change something: `/drain` and `/register`. */
import {
  type AddressRange,
  canonicalAddress,
  isInRange,
  LOOPBACK,
  peerAddress,
} from "../host/address.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Ports } from "../lifecycle/ports.ts";
import { TokenFile } from "./token.ts";

/** Who is admitted, besides the pod itself. */
export interface GuardConfig {
  readonly drainAllow: readonly AddressRange[];
  /** The file with the bearer token; left out: there is none. */
  readonly tokenFile?: string;
  /** Whether every client needs the token. */
  readonly tokenRequired: boolean;
}

/** A client's request, as far as the guard needs it. */
export interface Client {
  /** The connection's other end. Headers about it (`Forwarded`, …) are never believed. */
  readonly address: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Why a request is refused. */
export interface Refusal {
  readonly reason: typeof REFUSAL_REASONS[number];
  /** The same for people, and what to do about it. */
  readonly text: string;
}

export const REFUSAL_REASONS = ["address", "browser", "host", "token"] as const;

/** The log has so many lines about refusals in such a time, and one for each address. */
const WARNINGS = 8;
const WARNING_PAUSE: Milliseconds = 60_000;

/**
 * Browsers send these, and tell the truth in them: a page must not use a user's way to the pod. To
 * an address without TLS they send no `Sec-Fetch-…`, and a page can leave out `Referer`; but never
 * `User-Agent`. Programs that use `fetch` send `Accept-Language: *`.
 */
const FROM_BROWSER = /^(?:origin|referer|upgrade-insecure-requests|sec-(?:fetch|ch)-.*)$/;
/** No name but this one is sure to mean the address that the client connected to. */
const LOCAL_HOST = /^(?:|localhost|\[[0-9a-f:.]+\])(?::[0-9]*)?$/i;

/** The guard of one server. */
export class Guard {
  readonly #config: GuardConfig;
  readonly #ports: Pick<Ports, "log" | "clock">;
  readonly #token: TokenFile | undefined;
  #isKubeletKnown = false;
  #warnedOf = new Set<string>();
  #pauseEnds: Milliseconds = -Infinity;

  constructor(config: GuardConfig, ports: Pick<Ports, "log" | "clock">) {
    const { tokenFile } = config;
    this.#config = config;
    this.#ports = ports;
    this.#token = tokenFile === undefined ? undefined : new TokenFile(tokenFile, ports.log);
  }

  /** Warns of an unusable token file before it is needed. */
  async check(): Promise<void> {
    await this.#token?.check();
  }

  /** Why the client may not call the path; undefined: it may. Refusals are logged. */
  async refusal(path: string, client: Client): Promise<Refusal | undefined> {
    const address = peerAddress(client.address);
    const refusal = refusalByHeaders(client.headers) ??
      await this.#refusalByOrigin(address, client.headers.get("authorization"));
    if (refusal !== undefined) this.#warn(path, address ?? "an unknown address", refusal);
    return refusal;
  }

  /**
   * The kubelet's hooks come from where its probes come from, and it ignores what they are answered:
   * its first probe shows whether a preStop hook will be refused. A hook may bear the token.
   * @returns Whether it will.
   */
  async foresee({ address: peer, headers }: Client): Promise<boolean> {
    const isProbe = headers.get("user-agent")?.startsWith("kube-probe/") ?? false;
    if (!isProbe || this.#isKubeletKnown) return false;
    this.#isKubeletKnown = true;
    const address = peerAddress(peer);
    if (this.#token !== undefined || address === undefined) return false;
    const refusal = await this.#refusalByOrigin(address, undefined);
    if (refusal === undefined) return false;
    this.#ports.log.warn(
      `probes come from ${address}, which may not call /drain: a preStop hook from there will be refused, and the application stopped before it has drained; ${refusal.text}`,
    );
    return true;
  }

  async #refusalByOrigin(
    address: string | undefined,
    authorization: string | undefined,
  ): Promise<Refusal | undefined> {
    const { tokenRequired, drainAllow } = this.#config;
    if (!tokenRequired && address !== undefined) {
      if (LOOPBACK.includes(address)) return undefined;
      if (drainAllow.some((range) => isInRange(address, range))) return undefined;
    }
    if (await this.#token?.admits(authorization)) return undefined;
    return tokenRequired
      ? { reason: "token", text: "it has no valid token, which -drain-token-required demands" }
      : { reason: "address", text: adviceFor(address ?? "") };
  }

  /** Anyone may call as often as they like, and must not fill the log. */
  #warn(path: string, address: string, { text }: Refusal): void {
    const { clock, log } = this.#ports;
    const now = clock.now();
    if (now >= this.#pauseEnds) {
      this.#warnedOf = new Set();
      this.#pauseEnds = now + WARNING_PAUSE;
    }
    if (this.#warnedOf.has(address) || this.#warnedOf.size >= WARNINGS) return;
    this.#warnedOf.add(address);
    log.warn(`refused ${path} from ${address}: ${text}`);
  }
}

function refusalByHeaders(headers: ReadonlyMap<string, string>): Refusal | undefined {
  for (const [name, value] of headers) {
    if (isFromBrowser(name, value)) {
      return { reason: "browser", text: `it has the header ${name}, which browsers send` };
    }
  }
  const host = headers.get("host") ?? "";
  const [, withoutPort = ""] = /^([^:]*)(?::[0-9]*)?$/.exec(host) ?? [];
  return LOCAL_HOST.test(host) || canonicalAddress(withoutPort) !== undefined
    ? undefined
    : { reason: "host", text: "its Host header is a name: call the pod by its IP address" };
}

function isFromBrowser(name: string, value: string): boolean {
  if (name === "user-agent") return /^mozilla\//i.test(value);
  return name === "accept-language" ? value !== "*" : FROM_BROWSER.test(name);
}

/** Never advises to allow the proxy of a service mesh: that would admit all of its clients. */
function adviceFor(address: string): string {
  return address.startsWith("127.")
    ? "a proxy in the pod connects from there for other clients; keep the port out of the mesh"
    : `if the kubelet connects from there, set -drain-allow=${address}`;
}
