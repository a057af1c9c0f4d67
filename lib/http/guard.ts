/** Who may call what changes things: `/drain` and `/register`. */
import { type AddressRange, isInRange, LOOPBACK, peerAddress } from "../host/address.ts";
import type { Clock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { TokenFile } from "./token.ts";

/** Who is let in, besides the pod itself. */
export interface GuardConfig {
  readonly drainAllow: readonly AddressRange[];
  /** Holds a bearer token; none where it is left out. */
  readonly tokenFile?: string;
}

/** A client, as far as it cannot lie, and the token that it shows. */
export interface Client {
  /** The connection's other end. Headers about it (`Forwarded`, …) are never believed. */
  readonly address: string | undefined;
  readonly authorization: string | undefined;
}

/** The ports of the guard. */
export interface GuardOptions {
  readonly log: Log;
  readonly clock: Clock;
}

/** How long a refused address is not warned of again, and how many are in that time. */
const WARNING_PAUSE: Milliseconds = 60_000;
const WARNINGS_A_PAUSE = 8;

/** The guard of one service. */
export class Guard {
  readonly #allowed: readonly AddressRange[];
  readonly #token: TokenFile | undefined;
  readonly #log: Log;
  readonly #clock: Clock;
  #warnedOf = new Set<string>();
  #pauseEnds: Milliseconds = -Infinity;

  constructor({ drainAllow, tokenFile }: GuardConfig, { log, clock }: GuardOptions) {
    this.#allowed = drainAllow;
    this.#token = tokenFile !== undefined ? new TokenFile(tokenFile, log) : undefined;
    this.#log = log;
    this.#clock = clock;
  }

  /** Warns of a token file that is no good before anybody needs it. */
  async check(): Promise<void> {
    await this.#token?.check();
  }

  /** Whether the client may; a refused one is warned of. */
  async admits(path: string, { address, authorization }: Client): Promise<boolean> {
    const plain = peerAddress(address ?? "");
    if (plain !== undefined && this.#isAllowed(plain)) return true;
    if (await this.#token?.admits(authorization)) return true;
    this.#warn(path, plain ?? "an unknown address");
    return false;
  }

  #isAllowed(address: string): boolean {
    return LOOPBACK.includes(address) || this.#allowed.some((range) => isInRange(address, range));
  }

  /** Anybody may call as often as they like, and must not fill the log by it. */
  #warn(path: string, address: string): void {
    const now = this.#clock.now();
    if (now >= this.#pauseEnds) {
      this.#warnedOf = new Set();
      this.#pauseEnds = now + WARNING_PAUSE;
    }
    if (this.#warnedOf.has(address) || this.#warnedOf.size >= WARNINGS_A_PAUSE) return;
    this.#warnedOf.add(address);
    this.#log.warn(
      `a call of ${path} from ${address} was refused: if that is where the kubelet calls from, give -drain-allow ${address}`,
    );
  }
}
