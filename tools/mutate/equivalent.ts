/** Changes that change nothing, and why. By `Change.key`, which `tools/mutate.ts` prints. */
export const EQUIVALENT: Readonly<Record<string, string>> = {};
