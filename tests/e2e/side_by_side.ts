/** Many cases that mostly wait, a few at a time: processes, so nothing to sanitize in here. */
import { inTime, test } from "../test.ts";

/** One test. */
export interface Case {
  readonly name: string;
  /** @returns What came of it, to be printed. */
  run(): Promise<string | void>;
}

const AT_A_TIME = 9;

/** How long a case may take, in milliseconds: with others beside it on two cores. */
const LIMIT = 90_000;

/** Which cases to take, by their names: not every form of the sidecar can do what all of them ask. */
const CHOSEN = new RegExp(Deno.env.get("SIDECAR_CASES") ?? "");

/** Makes a test of each case. The first that runs starts them all, in order. */
export function sideBySide(all: readonly Case[]): void {
  const cases = all.filter(({ name }) => CHOSEN.test(name));
  let results: readonly Promise<void>[] | undefined;
  cases.forEach(({ name }, index) => {
    // It waits for its turn too; its own limit begins when it starts.
    const limit = LIMIT * Math.ceil(cases.length / AT_A_TIME);
    test(name, async () => await (results ??= startAll(cases))[index], { sanitize: false, limit });
  });
}

async function runAndPrint(one: Case): Promise<void> {
  const came = await one.run();
  if (came !== undefined) console.log(`${one.name}: ${came}`);
}

function startAll(cases: readonly Case[]): readonly Promise<void>[] {
  const lanes: Promise<unknown>[] = Array(AT_A_TIME).fill(Promise.resolve());
  return cases.map((one, index) => {
    const lane = index % AT_A_TIME;
    const result = (lanes[lane] ?? Promise.resolve()).then(() =>
      inTime(() => runAndPrint(one), LIMIT)
    );
    // Its own test reports the failure; until that runs, nobody has to handle it.
    lanes[lane] = result.catch(() => {});
    return result;
  });
}
