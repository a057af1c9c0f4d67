/** The bearer token of those who may call `/drain` and `/register` from anywhere. */
import type { Log } from "../host/log.ts";

/** More than any token takes. */
const LONGEST_TOKEN_FILE = 4_096;
/** Permission bit: readable by everybody. */
const WORLD_READABLE = 0o004;

/**
 * The token in a file. It is read for each caller that shows a token, so it may be changed at any
 * time, as Kubernetes does with a mounted secret.
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

  /** Whether an `Authorization` header shows the token. Nobody does while the file is no good. */
  async admits(authorization: string | undefined): Promise<boolean> {
    const [, shown] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? "") ?? [];
    if (shown === undefined) return false;
    const token = await this.check();
    return token !== undefined && await isSame(shown, token);
  }

  /** Reads the token, and warns when the file is no good: once, until that changes. */
  async check(): Promise<string | undefined> {
    const read = await this.#read();
    if (typeof read === "string") {
      this.#warned = undefined;
      return read;
    }
    if (read.fault !== this.#warned) {
      this.#log.warn(
        `no token gives access to /drain and /register: -drain-token-file ${this.#path} ${read.fault}`,
      );
    }
    this.#warned = read.fault;
    return undefined;
  }

  /** Kubernetes mounts secrets like that unless told otherwise: no reason to let nobody in. */
  #warnOfMode(mode: number): void {
    if ((mode & WORLD_READABLE) === 0 || this.#warnedOfMode) return;
    this.#warnedOfMode = true;
    this.#log.warn("-drain-token-file may be read by everybody: mount it with defaultMode 0440", {
      file: this.#path,
    });
  }

  async #read(): Promise<string | { readonly fault: string }> {
    try {
      const { mode, size, isFile } = await Deno.stat(this.#path);
      if (!isFile) return { fault: "is not a file" };
      if (size > LONGEST_TOKEN_FILE) {
        return { fault: `is longer than ${LONGEST_TOKEN_FILE} bytes, which no token is` };
      }
      this.#warnOfMode(mode ?? 0);
      const token = (await Deno.readTextFile(this.#path)).trim();
      if (token === "") return { fault: "is empty" };
      return /\s/.test(token) ? { fault: "holds more than one word" } : token;
    } catch (error) {
      const why = error instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
      return { fault: why };
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
