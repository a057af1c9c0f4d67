/** A stand-in for `@std/log/base-handler` 0.224.14, which the npm registry does not have. */
import type { LogRecord } from "./log_logger.ts";

export const LOG_LEVELS = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARN: 30,
  ERROR: 40,
  CRITICAL: 50,
} as const;
export type LevelName = keyof typeof LOG_LEVELS;

export abstract class BaseHandler {
  readonly levelName: LevelName;
  readonly formatter: (record: LogRecord) => string;

  constructor(levelName: LevelName, options: { formatter: (record: LogRecord) => string }) {
    this.levelName = levelName;
    this.formatter = options.formatter;
  }

  handle(record: LogRecord): void {
    if (record.level >= LOG_LEVELS[this.levelName]) this.log(this.format(record));
  }

  format(record: LogRecord): string {
    return this.formatter(record);
  }

  abstract log(message: string): void;
}
