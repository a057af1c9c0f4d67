/** How this checkout's sidecar is started as a process of its own. */

const root = new URL("../", import.meta.url);

/** What the sidecar must be allowed to do: the README names the same. */
export const PERMISSIONS = ["--no-prompt", "-A"];

/**
 * The program and its first arguments. By default `deno run` of the source, with the `@std`
 * packages from where the calling process has them; `SIDECAR_DENO` names another Deno for it, and
 * `SIDECAR_COMMAND` another program that is the sidecar: a binary, or what starts a container.
 */
export function sidecarCommand(): [string, ...string[]] {
  const command = Deno.env.get("SIDECAR_COMMAND");
  if (command) return [command];
  const std = import.meta.resolve("@std/assert");
  const importMap = std.startsWith("file:")
    ? [`--import-map=${new URL("tools/std/import_map.json", root).pathname}`]
    : [];
  const coverage = Deno.env.get("SIDECAR_COVERAGE");
  return [
    Deno.env.get("SIDECAR_DENO") || Deno.execPath(),
    "run",
    "--quiet",
    ...PERMISSIONS,
    ...(coverage ? [`--coverage=${coverage}`] : []),
    ...importMap,
    new URL("main.ts", root).pathname,
  ];
}
