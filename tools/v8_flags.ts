/**
 * How the shipped program makes V8 save memory, at the cost of speed that it does not need: no
 * code is optimized, the young generation stays small, and memory is given back at the moments that
 * `lib/host/memory.ts` tells of rather than some time after them. `docs/performance.md` has the
 * figures.
 */
const FLAGS = [
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--max-semi-space-size=1",
  "--expose-gc",
  "--no-memory-reducer",
];

/** They, as an option of `deno run` and `deno compile`. */
export const V8_FLAGS = `--v8-flags=${FLAGS.join(",")}`;
