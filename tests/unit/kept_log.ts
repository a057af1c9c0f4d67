import type { Log } from "../../lib/host/log.ts";

/** A log that keeps its lines instead of writing them. */
export class KeptLog implements Log {
  readonly lines: string[] = [];

  readonly debug = this.#keep("debug");
  readonly info = this.#keep("info");
  readonly warn = this.#keep("warn");
  readonly error = this.#keep("error");

  /** All lines. */
  get text(): string {
    return this.lines.join("\n");
  }

  #keep(level: string): Log["info"] {
    return (message, fields = {}) => {
      this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  }
}
