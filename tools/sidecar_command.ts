/** How this checkout's sidecar is started as a process of its own. */

const root = new URL("../", import.meta.url);

/** What the sidecar must be allowed to do: the README names the same. */
export const PERMISSIONS = ["--no-prompt", "-A"];

/**
 * The program and its first arguments: `deno run` of the source, with the `@std` packages from
 * where the calling process has them.
 */
export function sidecarCommand(): [string, ...string[]] {
  const std = import.meta.resolve("@std/assert");
  const importMap = std.startsWith("file:")
    ? [`--import-map=${new URL("tools/std/import_map.json", root).pathname}`]
    : [];
  const coverage = Deno.env.get("SIDECAR_COVERAGE");
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    ...PERMISSIONS,
    ...(coverage ? [`--coverage=${coverage}`] : []),
    ...importMap,
    new URL("main.ts", root).pathname,
  ];
}
