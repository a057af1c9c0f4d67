/** Checks of texts that mean something: each fault names what was given, and where. */
import type { FlagName, FlagValues } from "./flags.ts";
import { invalid, type Parsed } from "./kinds.ts";
import type { Settings } from "./settings.ts";

/** A value that was given and is good by itself. */
export interface Checked<T> {
  readonly value: T;
  /** `flag -x`, `environment variable X`. */
  readonly source: string;
  /** The sentence for a value that is wrong beside others. */
  readonly invalid: (fault: string) => string;
}

/** The flags whose values are texts. */
type TextFlag = {
  [N in FlagName]: FlagValues[N] extends string | readonly string[] | undefined ? N : never;
}[FlagName];

/** Parses texts, and collects the faults. */
export class Checks {
  readonly #settings: Settings;
  /** The sentences for all that was wrong so far. */
  readonly faults: string[];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.faults = [...settings.faults];
  }

  /** The good ones of what was given for a flag. */
  each<T>(name: TextFlag, parse: (text: string) => Parsed<T>): Checked<T>[] {
    const source = this.#settings.sources.get(name);
    if (source === undefined) return [];
    const texts = [this.#settings.values[name] ?? []].flat();
    return texts.flatMap((text) => {
      const sentence = (fault: string) => invalid(text, { kind: "string", source }, fault);
      const parsed = parse(text);
      if ("value" in parsed) return [{ value: parsed.value, source, invalid: sentence }];
      this.faults.push(sentence(unexpanded(text) ?? parsed.fault));
      return [];
    });
  }

  /** What was given for a flag that is no list, if it is good. */
  one<T>(name: TextFlag, parse: (text: string) => Parsed<T>): Checked<T> | undefined {
    return this.each(name, parse)[0];
  }
}

/** Kubernetes leaves `$(NAME)` in arguments as it is where the container has no such variable. */
function unexpanded(text: string): string | undefined {
  const [, name] = /\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return `the container's env does not declare ${name}, so Kubernetes left it as it is`;
}
