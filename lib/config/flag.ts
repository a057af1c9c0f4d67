/** What a flag can be: the shape of an entry in the table of `flags.ts`. */
import type { Milliseconds } from "../host/duration.ts";

/** What flags are about; the order is that of documentation. */
export const FLAG_GROUPS = ["targets", "hooks", "waits", "service", "other"] as const;
export type FlagGroup = typeof FLAG_GROUPS[number];

interface Described {
  readonly group: FlagGroup;
  /** One sentence without its full stop, as in the original program. */
  readonly help: string;
  /** False where a variable of that name would mean something else to whoever sets it. */
  readonly inEnvironment?: false;
}

/** A text. A list flag may be repeated, and collects; of any other the last one wins. */
interface StringFlag extends Described {
  readonly kind: "string";
  readonly list?: true;
  readonly default?: string;
  /** A variable that is read where neither the flag nor its own variable is given. */
  readonly fallback?: string;
}

/** One of some words. */
interface ChoiceFlag extends Described {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
}

interface BooleanFlag extends Described {
  readonly kind: "boolean";
  readonly default: boolean;
}

interface DurationFlag extends Described {
  readonly kind: "duration";
  /** In Go's syntax. */
  readonly default: string;
  /** Whether 0 makes sense. */
  readonly mayBeZero?: true;
}

/** A port; 0 stands for none given. */
interface PortFlag extends Described {
  readonly kind: "port";
  readonly default: 0;
}

/** A flag as the table declares it. */
export type Flag = StringFlag | ChoiceFlag | BooleanFlag | DurationFlag | PortFlag;

/** The type of a flag's value. */
export type ValueOf<F extends Flag> = F extends { readonly list: true } ? readonly string[]
  : F extends { readonly kind: "choice"; readonly choices: readonly (infer C)[] } ? C
  : F extends { readonly kind: "boolean" } ? boolean
  : F extends { readonly kind: "duration" } ? Milliseconds
  : F extends { readonly kind: "port" } ? number
  : F extends { readonly default: string } ? string
  : string | undefined;
