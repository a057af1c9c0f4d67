/** Memory that is not needed any more. */

/**
 * Collects what is garbage, and gives the pages back to the system. Left alone, V8 does so
 * half a minute after a busy time, and not where a probe comes every few seconds. It takes about 8
 * ms, in which nothing else runs: for moments at which nothing is to be done.
 *
 * Only where the program was started with `--v8-flags=--expose-gc`, as what is shipped is.
 */
export function giveMemoryBack(): void {
  const { gc } = globalThis as { readonly gc?: (how: object) => void };
  gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
