import type { Log } from "../../lib/host/log.ts";

/** A log that keeps its lines instead of writing them. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  /** Called with each line. */
  onLine: (line: string) => unknown = () => {};

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
      const line = `${level} ${message} ${JSON.stringify(fields)}`;
      this.lines.push(line);
      this.onLine(line);
    };
  }
}
