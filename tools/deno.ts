/**
 * Runs this Deno again, with the `@std` packages from where this process has them.
 *
 *   deno task run tools/deno.ts SUBCOMMAND [ARGUMENT]…
 */
import { type RunOptions, runProgram } from "./process.ts";

/** The folder of this checkout, with a slash at its end. */
export const ROOT = new URL("../", import.meta.url).pathname;

/**
 * The options that say where the `@std` packages come from: `tools/std_source.ts` chose them.
 * @param root The checkout whose import map is meant.
 */
export function stdOptions(root = ROOT): string[] {
  const isMapped = import.meta.resolve("@std/assert").startsWith("file:");
  return isMapped ? ["--frozen", `--import-map=${root}tools/std/import_map.json`] : [];
}

/**
 * Runs a subcommand of Deno's in this checkout.
 * @throws {Error} It failed.
 */
export async function runDeno(
  subcommand: string,
  args: readonly string[],
  { deno = Deno.execPath(), ...options }: RunOptions & { readonly deno?: string } = {},
): Promise<void> {
  await runProgram(deno, [subcommand, ...stdOptions(), ...args], { cwd: ROOT, ...options });
}

if (import.meta.main) {
  const [subcommand = "", ...args] = Deno.args;
  try {
    await runDeno(subcommand, args);
  } catch (error) {
    console.error(String(error));
    Deno.exit(1);
  }
}
