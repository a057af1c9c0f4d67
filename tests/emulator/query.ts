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

  /** A parameter that may be missing. */
  text(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** @throws {AwsError} Where it is missing or empty. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === "") throw missing(name);
    return value;
  }

  /** @throws {AwsError} Where it is not a whole number within the bounds. */
  number(name: string, least: number, most: number): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : wholeNumber(value, name, least, most);
  }

  /** The items of a list, undefined where there is none; an empty list comes as `Name=`. */
  list(name: string): string[] | undefined {
    const items = this.#members(name);
    if (items === undefined) return this.text(name) === undefined ? undefined : [];
    return items.map(({ "": value, ...rest }) => {
      if (value === undefined || Object.keys(rest).length > 0) throw malformed(name);
      return value;
    });
  }

  /** The structures of a list, undefined where there is none. */
  structures(name: string, fields: readonly string[]): Fields[] | undefined {
    const items = this.#members(name);
    if (items === undefined) return this.text(name) === undefined ? undefined : [];
    for (const item of items) {
      const unknown = Object.keys(item).find((field) => !fields.includes(field));
      if (unknown !== undefined) throw unknownParameter(`${name}.member.N.${unknown}`);
    }
    return items;
  }

  /** @throws {AwsError} Where parameters are left that nobody has read. */
  refuseRest(): void {
    const [name] = this.#left.keys();
    if (name !== undefined) throw unknownParameter(name);
  }

  /** The members of a list, each as its fields; a plain value is the field `""`. */
  #members(name: string): Fields[] | undefined {
    const members = new Map<number, Record<string, string>>();
    for (const [key, value] of this.#left) {
      if (!key.startsWith(`${name}.member.`)) continue;
      const [, index, field = ""] = MEMBER.exec(key.slice(name.length)) ?? [];
      if (index === undefined) throw malformed(name);
      const member = members.get(Number(index)) ?? {};
      member[field] = value;
      members.set(Number(index), member);
      this.#left.delete(key);
    }
    if (members.size === 0) return undefined;
    const inOrder = [...members].sort(([a], [b]) => a - b);
    if (inOrder.some(([index], place) => index !== place + 1)) throw malformed(name);
    return inOrder.map(([, member]) => member);
  }
}

const MEMBER = /^\.member\.([1-9]\d*)(?:\.(\w+))?$/;

/** @throws {AwsError} Where the text is not a whole number within the bounds. */
export function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text)) {
    throw new AwsError("MalformedInput", 400, `Invalid number for parameter '${name}': '${text}'`);
  }
  if (value < least || value > most) {
    throw validationError(
      `1 validation error detected: Value '${text}' at '${camelCase(name)}' failed to satisfy ` +
        `constraint: Member must have value between ${least} and ${most}`,
    );
  }
  return value;
}

/** A required parameter is not there. */
export function missing(name: string): AwsError {
  return validationError(
    `1 validation error detected: Value null at '${camelCase(name)}' failed to satisfy ` +
      "constraint: Member must not be null",
  );
}

function unknownParameter(name: string): AwsError {
  return validationError(`Unknown parameter: ${name}`);
}

function malformed(name: string): AwsError {
  return new AwsError("MalformedQueryString", 400, `Malformed list: ${name}`);
}

function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
