/** A stand-in for `@std/log/logger` 0.224.14, which the npm registry does not have. */
import type { BaseHandler, LevelName } from "./log_base_handler.ts";
import { LOG_LEVELS } from "./log_base_handler.ts";

export class LogRecord {
  readonly msg: string;
  readonly args: unknown[];
  readonly datetime: Date = new Date();
  readonly level: number;
  readonly levelName: LevelName;

  constructor(options: { msg: string; args: unknown[]; levelName: LevelName }) {
    this.msg = options.msg;
    this.args = options.args;
    this.levelName = options.levelName;
    this.level = LOG_LEVELS[options.levelName];
  }
}

export class Logger {
  readonly loggerName: string;
  readonly levelName: LevelName;
  readonly handlers: BaseHandler[];

  constructor(
    loggerName: string,
    levelName: LevelName,
    options: { handlers?: BaseHandler[] } = {},
  ) {
    this.loggerName = loggerName;
    this.levelName = levelName;
    this.handlers = options.handlers ?? [];
  }

  #log(levelName: LevelName, msg: string, args: unknown[]): string {
    if (LOG_LEVELS[levelName] >= LOG_LEVELS[this.levelName]) {
      const record = new LogRecord({ msg, args, levelName });
      for (const handler of this.handlers) handler.handle(record);
    }
    return msg;
  }

  debug(msg: string, ...args: unknown[]): string {
    return this.#log("DEBUG", msg, args);
  }
  info(msg: string, ...args: unknown[]): string {
    return this.#log("INFO", msg, args);
  }
  warn(msg: string, ...args: unknown[]): string {
    return this.#log("WARN", msg, args);
  }
  error(msg: string, ...args: unknown[]): string {
    return this.#log("ERROR", msg, args);
  }
}
