/**
 * What the SDK says besides its results. Its warnings would go to the console, in a form of their
 * own; and of its search for credentials it tells in no other way.
 */
import type { Log } from "../host/log.ts";
import { readable } from "./redact.ts";

/** A logger as the SDK calls it, with anything at all. */
type Say = (...content: readonly unknown[]) => void;

/** The sources that can be slow or out of reach, by what the SDK says when it turns to one. */
const SOURCES: readonly (readonly [string, string])[] = [
  ["web-identity - fromWebToken", "STS"],
  ["http - fromHttp", "the EKS Pod Identity agent"],
  ["remoteProvider::fromInstanceMetadata", "the node's metadata service"],
];

/** Follows one SDK client. */
export class SdkLogger {
  readonly #log: Pick<Log, "warn">;
  #source: string | undefined;
  #fault: string | undefined;

  constructor(log: Pick<Log, "warn">) {
    this.#log = log;
  }

  /** Whom the SDK asked for credentials last, and what went wrong there, as far as it is known. */
  get lastSource(): string | undefined {
    if (this.#source === undefined) return undefined;
    return this.#source + (this.#fault === undefined ? "" : ` (${this.#fault})`);
  }

  readonly debug: Say = (...content) => {
    const message = content.map(String).join(" ");
    const source = SOURCES.find(([words]) => message.includes(words));
    if (source !== undefined) [this.#source, this.#fault] = [source[1], undefined];
    const fault = /property-provider \S+ Error: (.+)/.exec(message)?.[1];
    if (fault !== undefined) this.#fault = readable(fault);
  };

  readonly warn: Say = (...content) => {
    const words = content.map((part) => part instanceof Error ? part.message : String(part));
    this.#log.warn(`AWS SDK: ${readable(words.join(" ").replaceAll(/\s+/g, " "))}`);
  };

  // Errors are thrown too; the rest would repeat whole requests.
  readonly trace: Say = () => {};
  readonly info: Say = () => {};
  readonly error: Say = () => {};
}
