/** Adds up JUnit reports and says so in the one line that CI ends with. */
import { XMLParser } from "fast-xml-parser";

/** The counts of a report's root element, as `deno test` writes them. */
interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly disabled: number;
}

function countsOf(report: string): Counts {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "" });
  const { testsuites } = parser.parse(Deno.readTextFileSync(report));
  const count = (suite: Record<string, string>, name: string) => Number(suite[name] ?? 0);
  const suites: Record<string, string>[] = [testsuites.testsuite ?? []].flat();
  return {
    tests: count(testsuites, "tests"),
    failures: count(testsuites, "failures"),
    errors: count(testsuites, "errors"),
    disabled: suites.reduce((sum, suite) => sum + count(suite, "disabled"), 0),
  };
}

const all = Deno.args.map(countsOf);
const sum = (of: (counts: Counts) => number) => all.reduce((total, one) => total + of(one), 0);
const failed = sum(({ failures, errors }) => failures + errors);
const skipped = sum(({ disabled }) => disabled);
const passed = sum(({ tests }) => tests) - failed - skipped;
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
