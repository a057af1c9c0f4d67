/** The parameters of a Query API request: `Name=…`, `List.member.1=…`, `List.member.1.Field=…`. */
import { AwsError, validationError } from "./errors.ts";

/** Structures in a list: a record of fields for each. */
export type Fields = Readonly<Record<string, string>>;

/**
 * The parameters of one request. Each reading method takes its parameter off, so that what is
 * left in the end is what this server does not know, and refuses.
 */
export class Form {
  readonly #left: Map<string, string>;

  /** @throws {AwsError} Where a parameter is given twice. */
  constructor(params: URLSearchParams) {
    this.#left = new Map(params);
    if (this.#left.size !== params.size) {
      throw new AwsError("MalformedQueryString", 400, "A parameter is given more than once");
    }
  }

  /** A parameter; empty where it is missing. */
  text(name: string): string {
    return this.#take(name) ?? "";
  }

  /** @throws {AwsError} Where it is missing or empty. */
  required(name: string): string {
    const value = this.text(name);
    if (value === "") throw missing(name);
    return value;
  }

  /** The items of a list; an empty one comes as `Name=`. */
  list(name: string): string[] {
    return (this.#members(name) ?? []).map(({ "": value, ...rest }) => {
      if (value === undefined || Object.keys(rest).length > 0) throw malformed(name);
      return value;
    });
  }

  /** The structures of a list, undefined where there is none. */
  structures(name: string, fields: readonly string[]): Fields[] | undefined {
    const items = this.#members(name);
    const unknown = items?.flatMap((item) => Object.keys(item))
      .find((field) => !fields.includes(field));
    if (unknown !== undefined) throw unknownParameter(`${name}.member.N.${unknown}`);
    return items;
  }

  /** @throws {AwsError} Where parameters are left that no action has read. */
  refuseRest(): void {
    const [name] = this.#left.keys();
    if (name !== undefined) throw unknownParameter(name);
  }

  #take(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** The members of a list, each as its fields; a plain value is the field `""`. */
  #members(name: string): Fields[] | undefined {
    const members: Record<string, string>[] = [];
    for (const [key, value] of this.#left) {
      if (!key.startsWith(`${name}.member.`)) continue;
      const [, index, field = ""] = MEMBER.exec(key.slice(name.length)) ?? [];
      if (index === undefined) throw malformed(name);
      (members[Number(index) - 1] ??= {})[field] = value;
      this.#left.delete(key);
    }
    if (members.length === 0) return this.#take(name) === undefined ? undefined : [];
    if (Object.keys(members).length !== members.length) throw malformed(name);
    return members;
  }
}

const MEMBER = /^\.member\.([1-9]\d{0,3})(?:\.(\w+))?$/;

/** @throws {AwsError} Where the text is not a whole number within the bounds. */
export function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text)) {
    throw new AwsError("MalformedInput", 400, `Invalid number for parameter '${name}': '${text}'`);
  }
  if (value >= least && value <= most) return value;
  throw constraint(`'${text}'`, name, `Member must have value between ${least} and ${most}`);
}

/** A required parameter is not there. */
export function missing(name: string): AwsError {
  return constraint("null", name, "Member must not be null");
}

function constraint(value: string, name: string, words: string): AwsError {
  const camelCase = name.charAt(0).toLowerCase() + name.slice(1);
  return validationError(
    `1 validation error detected: Value ${value} at '${camelCase}' failed to satisfy ` +
      `constraint: ${words}`,
  );
}

function unknownParameter(name: string): AwsError {
  return validationError(`Unknown parameter: ${name}`);
}

function malformed(name: string): AwsError {
  return new AwsError("MalformedQueryString", 400, `Malformed list: ${name}`);
}
