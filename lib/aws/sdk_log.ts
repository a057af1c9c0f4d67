/**
 * The SDK's logger. Its warnings would go to the console in another format, and its debug messages
 * are the only trace of its search for credentials.
 */
import type { Log } from "../host/log.ts";
import { readable } from "./redact.ts";

/** A logger's method, as the SDK calls it. */
type Write = (...content: readonly unknown[]) => void;

/** Sources that can be slow or out of reach, by the SDK's message when it tries one. */
const SOURCES: readonly (readonly [string, string])[] = [
  ["web-identity - fromWebToken", "STS"],
  ["http - fromHttp", "the EKS Pod Identity agent"],
  ["remoteProvider::fromInstanceMetadata", "the node's metadata service"],
];

/** Follows one SDK client's search for credentials. */
export class SdkLogger {
  readonly #log: Pick<Log, "warn">;
  #source: string | undefined;
  #problem: string | undefined;

  constructor(log: Pick<Log, "warn">) {
    this.#log = log;
  }

  /** The source that the SDK tried last, and what went wrong there, as far as it is known. */
  get lastSource(): string | undefined {
    if (this.#source === undefined) return undefined;
    return this.#source + (this.#problem === undefined ? "" : ` (${this.#problem})`);
  }

  readonly debug: Write = (...content) => {
    const message = content.map(String).join(" ");
    const source = SOURCES.find(([words]) => message.includes(words));
    if (source !== undefined) [this.#source, this.#problem] = [source[1], undefined];
    const problem = /property-provider \S+ Error: (.+)/.exec(message)?.[1];
    if (problem !== undefined) this.#problem = readable(problem);
  };

  readonly warn: Write = (...content) => {
    const words = content.map((part) => part instanceof Error ? part.message : String(part));
    this.#log.warn(`AWS SDK: ${readable(words.join(" ").replaceAll(/\s+/g, " "))}`);
  };

  // Errors are thrown as well; the rest would repeat whole requests.
  readonly trace: Write = () => {};
  readonly info: Write = () => {};
  readonly error: Write = () => {};
}
