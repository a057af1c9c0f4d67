/** A promise about any input, and how often it is worth trying. */
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
  return asyncless(name, weight, fc.property(inputs, test));
}

function asyncless<T>(name: string, weight: number, promise: fc.IProperty<T>): Property {
  return {
    name,
    weight,
    check: (numRuns, seed) => {
      const details = fc.check(promise, { numRuns, seed });
      return Promise.resolve(fc.defaultReportMessage(details));
    },
  };
}

/** The same for what takes its time. */
export function asyncProperty<T>(
  name: string,
  weight: number,
  inputs: fc.Arbitrary<T>,
  test: (input: T) => Promise<void>,
): Property {
  const promise = fc.asyncProperty(inputs, test);
  return {
    name,
    weight,
    check: async (numRuns, seed) =>
      fc.defaultReportMessage(await fc.check(promise, { numRuns, seed })),
  };
}

/** Texts of all kinds, those included that parsers stumble over. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(..."-=.:/,'\"\\$ \n\t#0aZé") }),
);
