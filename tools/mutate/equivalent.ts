/** Changes that change nothing that anyone could see, by the reason; named as `Change.key`. */
export const EQUIVALENT: Readonly<Record<string, readonly string[]>> = {};

const ALL = new Set(Object.values(EQUIVALENT).flat());

/** Whether a change, by its name, is one of them. */
export function isEquivalent(key: string): boolean {
  return ALL.has(key);
}
