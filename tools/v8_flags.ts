/**
 * How the shipped program asks V8 to save memory, at the cost of speed that it does not need: no
 * code is optimized, and the young generation stays small. `docs/performance.md` has the figures.
 */
export const V8_FLAGS = "--v8-flags=--no-opt,--no-maglev,--max-semi-space-size=1,--expose-gc";
