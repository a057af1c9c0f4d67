/**
 * The log: lines of text (`time level message key=value`) or JSON. Whatever a text says, it stays
 * inside its line and its field: the one place that escapes what comes from outside.
 */
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

/**
 * Makes a log.
 * @param options Lines below `level` are not written; `write` takes one without its end.
 */
export function createLog({ format, level, write, secrets = [] }: {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  /** What no line shows. @default {[]} */
  readonly secrets?: readonly string[];
}): Log {
  const handler = new LineHandler(
    format,
    (line) => write(secrets.reduce((text, secret) => text.replaceAll(secret, "…"), line)),
  );
  return new Logger("sidecar", LEVEL_NAMES[level], { handlers: [handler] });
}

/** The line about lines that were dropped. `-log-level` does not hide it. */
export function droppedLine(format: LogFormat, lines: number): string {
  let line = "";
  createLog({ format, level: "warn", write: (text) => line = text })
    .warn("log lines were dropped: stderr is read too slowly, or was closed", { lines });
  return line;
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

function textLine(record: LogRecord): string {
  const fields = fieldsOf(record).map(([key, value]) => ` ${key}=${textValue(value)}`);
  const level = record.levelName.padEnd(5);
  return `${record.datetime.toISOString()} ${level} ${textMessage(record.msg)}${fields.join("")}`;
}

function jsonLine(record: LogRecord): string {
  const fields = fieldsOf(record).map(([key, value]) => [key, boundedValue(value)]);
  return printable(JSON.stringify({
    time: record.datetime.toISOString(),
    level: record.levelName.toLowerCase(),
    message: bounded(record.msg),
    ...Object.fromEntries(fields),
  }));
}

function fieldsOf(record: LogRecord): [string, LogValue][] {
  const fields = record.args[0];
  return isFields(fields) ? Object.entries(fields).filter(([, value]) => value !== undefined) : [];
}

function isFields(value: unknown): value is LogFields {
  return typeof value === "object" && value !== null;
}

/** How much of a text is written: an API or a hook may say anything, and at any length. */
const LONGEST_TEXT = 16_384;

function bounded(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

function boundedValue(value: LogValue): LogValue {
  return typeof value === "string" ? bounded(value) : value;
}

/** A quote or an equals sign in a message could be taken for a field of the line. */
function textMessage(message: string): string {
  const text = bounded(message);
  if (PLAIN_MESSAGE.test(text)) return text;
  return /["=]/.test(text) || printable(text) !== text ? quoted(text) : text;
}

function textValue(value: LogValue): string {
  const text = bounded(Array.isArray(value) ? value.join(",") : String(value));
  return PLAIN_VALUE.test(text) ? text : quoted(text);
}

/** A text from outside as a JSON string for people: on one line. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

// Most texts are ASCII without quotes and equals signs. These are tested first: patterns over
// Unicode take long to compile, and some of that time would pass between SIGTERM and the API call.
const ASCII = /^[ -~]*$/;
const PLAIN_MESSAGE = /^[ !#-<>-~]*$/;
const PLAIN_VALUE = /^[!#-<>-~]+$/;

/**
 * What a terminal or a log viewer may act on, or not show: controls, line separators, marks of
 * direction (U+202E turns the text around), blanks without width, tags, halves of characters.
 */
const UNSAFE = new RegExp(
  // What is safe: all but those.
  "[^ -~\\xa0-\\xac\\xae-\\u061b\\u061d-\\u180d\\u180f-\\u200a\\u2010-\\u2027\\u202f-\\u205f" +
    "\\u2070-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufff8\\ufffc-\\u{dffff}\\u{e1000}-\\u{10ffff}]",
  "gu",
);

/** A text from outside for people: whatever is unsafe to print becomes `\uXXXX`. */
export function printable(text: string): string {
  if (ASCII.test(text)) return text;
  return text.replaceAll(UNSAFE, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((code) => `\\u${code.toString(16).padStart(4, "0")}`).join("");
}
