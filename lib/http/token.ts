/** The bearer token that admits a client of `/drain` and `/register` from anywhere. */
import type { Log } from "../host/log.ts";

/** More than any token takes. */
const LONGEST_TOKEN_FILE = 4_096;
/** Permission bit: every user may read it. */
const WORLD_READABLE = 0o004;

/**
 * The token in a file. It is read for each client that shows a token, so it may change at any time,
 * as Kubernetes changes a mounted Secret.
 */
export class TokenFile {
  readonly #path: string;
  readonly #log: Log;
  #warned: string | undefined;
  #warnedOfMode = false;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Whether an `Authorization` header shows the token; none does while the file is unusable. */
  async admits(authorization: string | undefined): Promise<boolean> {
    const [, shown] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? "") ?? [];
    if (shown === undefined) return false;
    const token = await this.check();
    return token !== undefined && await isSame(shown, token);
  }

  /** Reads the token; warns when the file is unusable: once, until that changes. */
  async check(): Promise<string | undefined> {
    const read = await this.#read();
    if (typeof read === "string") {
      this.#warned = undefined;
      return read;
    }
    if (read.error !== this.#warned) {
      this.#log.warn(`-drain-token-file ${this.#path} ${read.error}: no token is accepted`);
    }
    this.#warned = read.error;
    return undefined;
  }

  /** Kubernetes mounts Secrets like that by default: no reason to refuse the token. */
  #warnOfMode(mode: number): void {
    if ((mode & WORLD_READABLE) === 0 || this.#warnedOfMode) return;
    this.#warnedOfMode = true;
    const message = "every user may read -drain-token-file: mount the Secret with defaultMode 0440";
    this.#log.warn(message, { file: this.#path });
  }

  async #read(): Promise<string | { readonly error: string }> {
    try {
      const { mode, size, isFile } = await Deno.stat(this.#path);
      if (!isFile) return { error: "is not a file" };
      if (size > LONGEST_TOKEN_FILE) {
        return { error: `is longer than ${LONGEST_TOKEN_FILE} bytes, which no token is` };
      }
      this.#warnOfMode(mode ?? 0);
      const token = (await Deno.readTextFile(this.#path)).trim();
      if (token === "") return { error: "is empty" };
      if (/\s/.test(token)) return { error: "holds more than one word" };
      // No header can carry these.
      return /[^!-~]/.test(token) ? { error: "holds characters other than ASCII" } : token;
    } catch (error) {
      return { error: error instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read" };
    }
  }
}

/** Takes a time that does not depend on how far two tokens agree: hashes have one length. */
async function isSame(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([hash(one), hash(other)]);
  // Not by `node:crypto`: loading it for one comparison takes 5 MB.
  return left.reduce((difference, byte, at) => difference | (byte ^ (right[at] ?? 0)), 0) === 0;
}

async function hash(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
