/** The access keys that the API knows, and of whom they are. */
import { AwsError } from "./errors.ts";

/** An access key, long-lived or issued for a time. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Calls recorded with this key carry it: `static`, `container`, `imds`, `web-identity`, ... */
  readonly identity: string;
  readonly sessionToken?: string;
  /** Milliseconds since the epoch, for issued keys. */
  readonly expires?: number;
}

/** The key of AWS's own examples: known from the start. */
export const STATIC_KEY: AccessKey = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  identity: "static",
};

/** All known keys, issued ones included. */
export class AccessKeys {
  readonly #keys = new Map<string, AccessKey>();
  readonly #lifetime: number;
  readonly #refusals = new Map<string, AwsError>();

  /** `lifetime` is that of issued keys, in milliseconds. */
  constructor(known: readonly AccessKey[], lifetime: number) {
    for (const key of known) this.#keys.set(key.accessKeyId, key);
    this.#lifetime = lifetime;
  }

  /** @throws {AwsError} It was revoked. */
  find(accessKeyId: string): AccessKey | undefined {
    const refusal = this.#refusals.get(accessKeyId);
    if (refusal !== undefined) throw refusal;
    return this.#keys.get(accessKeyId);
  }

  /** Refuses the key from now on; gives the error that says so. */
  revoke({ accessKeyId }: AccessKey, code: string): AwsError {
    const error = new AwsError(code, 403, INVALID_TOKEN);
    this.#refusals.set(accessKeyId, error);
    return error;
  }

  /** Issues a temporary key. */
  issue(identity: string): Required<AccessKey> {
    const number = String(this.#keys.size).padStart(5, "0");
    const key = {
      accessKeyId: `ASIAEXAMPLE${number}EXAM`,
      secretAccessKey: `secret-${crypto.randomUUID()}`,
      identity,
      sessionToken: `session-${crypto.randomUUID()}`,
      expires: Date.now() + this.#lifetime,
    };
    this.#keys.set(key.accessKeyId, key);
    return key;
  }
}

/** What the API says of keys that it does not know, or not any more. */
export const INVALID_TOKEN = "The security token included in the request is invalid.";

/** A moment as AWS writes it: whole seconds, in UTC. */
export function timestamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
