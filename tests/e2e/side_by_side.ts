/** Many cases that mostly wait, a few at a time: processes, so nothing to sanitize in here. */

/** One test. */
export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

const AT_A_TIME = 9;

/** Which cases to take, by their names: not every form of the sidecar can do what all of them ask. */
const CHOSEN = new RegExp(Deno.env.get("SIDECAR_CASES") ?? "");

/** Makes a test of each case. The first that runs starts them all, in order. */
export function sideBySide(all: readonly Case[]): void {
  const cases = all.filter(({ name }) => CHOSEN.test(name));
  let results: readonly Promise<void>[] | undefined;
  cases.forEach(({ name }, index) => {
    Deno.test({
      name,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => await (results ??= startAll(cases))[index],
    });
  });
}

function startAll(cases: readonly Case[]): readonly Promise<void>[] {
  const lanes: Promise<unknown>[] = Array(AT_A_TIME).fill(Promise.resolve());
  return cases.map((one, index) => {
    const lane = index % AT_A_TIME;
    const result = (lanes[lane] ?? Promise.resolve()).then(() => one.run());
    // Its own test reports the failure; until that runs, nobody has to handle it.
    lanes[lane] = result.catch(() => {});
    return result;
  });
}
