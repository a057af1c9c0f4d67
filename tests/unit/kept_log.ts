import type { Log, LogFields } from "../../lib/host/log.ts";

/** One line. */
export interface Entry {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines instead of writing them. */
export class KeptLog implements Log {
  readonly entries: Entry[] = [];
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

  #keep(level: keyof Log): Log["info"] {
    return (message, fields = {}) => {
      this.entries.push({ level, message, fields });
      const line = `${level} ${message} ${JSON.stringify(fields)}`;
      this.lines.push(line);
      this.onLine(line);
    };
  }
}
