/** What is odd about the flags and variables that were given, though nothing in it is wrong. */
import { ENVIRONMENT_PREFIX, FLAG_NAMES } from "./flags.ts";
import { type Environment, type Settings, variablesOf } from "./settings.ts";

/** A sentence for each oddity, with its remedy. */
export function warningsOf({ values }: Settings, env: Environment): string[] {
  const warnings: string[] = [];
  if (values["require-in-service"] && !values["wait-in-service"]) {
    warnings.push(
      "-require-in-service has no effect with -wait-in-service=false: leave out one of them",
    );
  }
  const known = new Set(FLAG_NAMES.flatMap(variablesOf));
  const unknown = Object.keys(env).filter((name) =>
    name.startsWith(ENVIRONMENT_PREFIX) && !known.has(name)
  );
  if (unknown.length > 0) {
    warnings.push(`no flag reads the environment variable ${unknown.sort().join(", ")}: see -h`);
  }
  return warnings;
}
