/** A promise about any input; fast-check draws the inputs, 10 million in about 2 minutes, and shrinks. */
import fc from "fast-check";

/** One promise. */
export interface Property {
  readonly name: string;
  /** Its share of all runs, in proportion: what is slow has a small one. */
  readonly weight: number;
  /** Tries so many inputs. @returns What went wrong, with the smallest input; else nothing. */
  readonly check: (runs: number, seed: number) => Promise<string | undefined>;
}

/** A promise about inputs of a kind: the test throws where it does not hold. */
export function property<T>(
  name: string,
  weight: number,
  inputs: fc.Arbitrary<T>,
  test: (input: T) => void,
): Property {
  return promise(name, weight, fc.property(inputs, test));
}

/** The same for what takes its time. */
export function asyncProperty<T>(
  name: string,
  weight: number,
  inputs: fc.Arbitrary<T>,
  test: (input: T) => Promise<void>,
): Property {
  return promise(name, weight, fc.asyncProperty(inputs, test));
}

function promise<T>(
  name: string,
  weight: number,
  held: fc.IProperty<T> | fc.IAsyncProperty<T>,
): Property {
  const check = async (numRuns: number, seed: number) => {
    const details = await fc.check(held, { numRuns, seed });
    return details.failed
      ? `${fc.defaultReportMessage(details)}\n${details.errorInstance}`
      : undefined;
  };
  return { name, weight, check };
}

/** Puts a function in the place of `fetch` while the work is done. */
export async function withFetch<T>(stand: typeof fetch, work: () => Promise<T>): Promise<T> {
  const real = globalThis.fetch;
  globalThis.fetch = stand;
  try {
    return await work();
  } finally {
    globalThis.fetch = real;
  }
}

/** Texts of all kinds, those included that parsers stumble over. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(..."-=.:/,'\"\\$ \n\t#0aZé") }),
);
