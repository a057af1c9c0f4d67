/** A row in the table of flags (`flags.ts`), and how it turns texts into a value. */

/** A value, or why the text is invalid: the end of a message. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

/** What parsers need to know about the system. */
export interface System {
  /** Why a command cannot be run: the end of a message. Undefined where it can be. */
  readonly commandError?: (command: string) => string | undefined;
}

/** Turns one text into a value. */
export type Parser<T> = (text: string, system: System) => Parsed<T>;

/** Go's word for the type in the usage text. A boolean has none, and takes no argument. */
export type TypeWord = "string" | "duration" | "int" | "";

/** A row of the table. */
export interface Flag<V = unknown> {
  readonly word: TypeWord;
  /** The default as text; empty: none. */
  readonly default: string;
  /** A description without a full stop, as in the original program. */
  readonly help: string;
  /** Whether the flag keeps the values of all occurrences, and not only of the last. */
  readonly list: boolean;
  /** Parses each text, once. Without a text, the value is the default. */
  readonly read: (texts: readonly string[], system: System) => ReadTexts<V>;
  /** Whether the texts are URLs: errors show only their public part. */
  readonly isUrl?: true;
  /** The flag without which this one has no effect and is not checked. */
  readonly needs?: "listen";
  /** The variable to read if neither the flag nor its own variable is set. */
  readonly fallback?: string;
  /** False if a variable of that name would usually mean something else. */
  readonly inEnvironment?: false;
}

/** The value of all texts given for a flag. */
export interface ReadTexts<V> {
  readonly value: V;
  /** The invalid texts. */
  readonly errors: readonly { readonly text: string; readonly reason: string }[];
}

/** Whether an empty text counts as not set. Go rejects an empty boolean, duration or number. */
export function isBlank({ word }: Flag, text: string): boolean {
  return text === "" && word === "string";
}

/** A flag that may be repeated. */
export function list<T>(parse: Parser<T>, help: string): Flag<readonly T[]> {
  return {
    ...{ word: "string", default: "", help, list: true },
    read: (texts, system) => parseAll(texts, parse, system),
  };
}

/** A flag whose last value wins. @param absent The value if none is given. */
export function single<T, D>(
  parse: Parser<T>,
  absent: D,
  row: Pick<Flag, "word" | "default" | "help">,
): Flag<T | D> {
  return {
    ...row,
    list: false,
    read: (texts, system) => {
      const { value, errors } = parseAll(texts, parse, system);
      return { value: value.at(-1) ?? absent, errors };
    },
  };
}

/** A flag without a default. */
export function optional<T>(parse: Parser<T>, help: string): Flag<T | undefined> {
  return single(parse, undefined, { word: "string", default: "", help });
}

/** A URL without a default. */
export function optionalUrl<T>(parse: Parser<T>, help: string): Flag<T | undefined> {
  return { ...optional(parse, help), isUrl: true };
}

/** Any text, with a default or without. */
export function text<D extends string | undefined>(absent: D, help: string): Flag<string | D> {
  const parse = (text: string) => ({ value: text });
  return single(parse, absent, { word: "string", default: absent ?? "", help });
}

/** One of several words. */
export function choice<const C extends string>(
  choices: readonly C[],
  absent: NoInfer<C>,
  help: string,
): Flag<C> {
  const parse = (text: string): Parsed<C> => {
    const value = choices.find((choice) => choice === text);
    return value !== undefined ? { value } : { error: `it must be one of ${choices.join(", ")}` };
  };
  return single(parse, absent, { word: "string", default: absent, help });
}

function parseAll<T>(
  texts: readonly string[],
  parse: Parser<T>,
  system: System,
): ReadTexts<readonly T[]> {
  const value: T[] = [];
  const errors: { text: string; reason: string }[] = [];
  for (const text of texts) {
    const parsed = parse(text, system);
    if ("value" in parsed) value.push(parsed.value);
    else errors.push({ text, reason: parsed.error });
  }
  return { value, errors };
}
