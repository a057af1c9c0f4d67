/** The log: lines on stderr, as text (`time level message key=value`) or as JSON. */
import { BaseHandler } from "@std/log/base-handler";
import { Logger, type LogRecord } from "@std/log/logger";

/** What a field of a log line may be. An undefined one is left out. */
export type LogValue = string | number | boolean | readonly string[] | undefined;
export type LogFields = Readonly<Record<string, LogValue>>;

/** The log port: one line a call, the message first, then `key=value`. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** How a log is written. */
export interface LogOptions {
  readonly format: LogFormat;
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** Takes one whole line without its end; by default it goes to stderr. */
  readonly write?: (line: string) => void;
}

/** Makes a log. */
export function createLog(options: LogOptions): Log {
  const handler = new LineHandler(options.format, options.write ?? writeToStderr);
  return new Logger("sidecar", LEVEL_NAMES[options.level], { handlers: [handler] });
}

const LEVEL_NAMES = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" } as const;

class LineHandler extends BaseHandler {
  readonly #write: (line: string) => void;

  constructor(format: LogFormat, write: (line: string) => void) {
    super("DEBUG", { formatter: format === "json" ? jsonLine : textLine });
    this.#write = write;
  }

  override log(line: string): void {
    this.#write(line);
  }
}

const encoder = new TextEncoder();

function writeToStderr(line: string): void {
  let rest = encoder.encode(line + "\n");
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nobody reads the log any more; that must not keep the target registered.
  }
}

function textLine(record: LogRecord): string {
  const fields = fieldsOf(record).map(([key, value]) => ` ${key}=${textValue(value)}`);
  const level = record.levelName.padEnd(5);
  return `${record.datetime.toISOString()} ${level} ${oneLine(record.msg)}${fields.join("")}`;
}

function jsonLine(record: LogRecord): string {
  return escaped(JSON.stringify({
    time: record.datetime.toISOString(),
    level: record.levelName.toLowerCase(),
    message: record.msg,
    ...Object.fromEntries(fieldsOf(record)),
  }));
}

function fieldsOf(record: LogRecord): [string, LogValue][] {
  const fields = record.args[0];
  return isFields(fields) ? Object.entries(fields).filter(([, value]) => value !== undefined) : [];
}

function isFields(value: unknown): value is LogFields {
  return typeof value === "object" && value !== null;
}

function textValue(value: LogValue): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /^[^\s"=\p{C}]+$/u.test(text) ? text : escaped(JSON.stringify(text));
}

/** JSON leaves C1 controls and Unicode's line breaks as they are; some terminals act on them. */
function escaped(json: string): string {
  const code = (character: string) => character.charCodeAt(0).toString(16).padStart(4, "0");
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${code(character)}`,
  );
}

/** A message with a line break in it would let its author forge lines. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
