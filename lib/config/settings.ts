/** The value of every flag, from command line, environment and defaults. */
import type { Arguments } from "./arguments.ts";
import { quoted } from "../host/log.ts";
import { publicPart, withoutSecrets } from "../host/public_part.ts";
import { isBlank, type System } from "./flag.ts";
import { flag, FLAG_NAMES, type FlagName, type FlagValues, variablesOf } from "./flags.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** The value of every flag, and where it came from. */
export interface Settings {
  /** The valid values; the default in place of an invalid one. */
  readonly values: FlagValues;
  /** Where each flag that is set comes from, as errors name it: `flag -x`, `environment variable X`. */
  readonly sources: ReadonlyMap<FlagName, string>;
  /** Syntax errors first, then invalid values, sorted by flag. */
  readonly errors: readonly string[];
}

/** Reads all flags: the command line overrides the environment, and both override the defaults. */
export function readSettings(read: Arguments, env: Environment, system: System): Settings {
  const errors = [...read.errors];
  const sources = new Map<FlagName, string>();
  const values: Partial<Record<FlagName, unknown>> = {};
  for (const name of FLAG_NAMES) {
    const given = givenFor(name, read, env);
    if (given !== undefined) sources.set(name, given.source);
    const { needs } = flag(name);
    // The value of a flag without effect must not keep the sidecar from starting.
    const isUsed = needs === undefined || givenFor(needs, read, env) !== undefined;
    const result = flag(name).read(isUsed ? given?.texts ?? [] : [], system);
    values[name] = result.value;
    for (const { text, reason } of result.errors) {
      errors.push(invalidValue(name, given?.source ?? "", text, unexpanded(text) ?? reason));
    }
  }
  // Each flag has a value of its row's type, as the mapped type states.
  return { values: values as FlagValues, sources, errors };
}

/** The message about an invalid value, in Go's form. */
function invalidValue(name: FlagName, source: string, text: string, reason: string): string {
  const { word, isUrl } = flag(name);
  const shown = quoted(isUrl ? publicPart(text) : withoutSecrets(text));
  return word === ""
    ? `invalid boolean value ${shown} for ${source.replace(/^flag /, "")}: ${reason}`
    : `invalid value ${shown} for ${source}: ${reason}`;
}

interface Given {
  /** At least one. */
  readonly texts: readonly string[];
  readonly source: string;
}

function givenFor(name: FlagName, read: Arguments, env: Environment): Given | undefined {
  const { list, word } = flag(name);
  const all = read.given.get(name) ?? [];
  // Go checks every occurrence of a boolean, a duration or a number, though only the last counts.
  const counted = (list || word !== "string" ? all : all.slice(-1))
    .filter((text) => !isBlank(flag(name), text));
  if (counted.length > 0) return { texts: counted, source: `flag -${name}` };
  for (const variable of variablesOf(name)) {
    const value = env[variable] ?? "";
    const texts = (list ? value.split(",").map((text) => text.trim()) : [value])
      .filter((text) => text !== "" && !isServiceLink(variable, text));
    if (texts.length > 0) return { texts, source: `environment variable ${variable}` };
  }
  return undefined;
}

/**
 * Whether this is a variable that Kubernetes sets for a Service in every pod of the namespace: a
 * Service named nlb-registrator-target sets `NLB_REGISTRATOR_TARGET_PORT=tcp://10.0.0.1:80`.
 */
export function isServiceLink(variable: string, value: string): boolean {
  return /_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_|$)/.test(variable) ||
    (variable.endsWith("_PORT") && /^(?:tcp|udp|sctp):\/\//.test(value));
}

/** Kubernetes does not expand `$(NAME)` if the container's env does not declare the variable. */
function unexpanded(text: string): string | undefined {
  const [, name] = /\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return `the container's env does not declare ${name}, so Kubernetes did not expand it`;
}
