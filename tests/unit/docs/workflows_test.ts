import { validateWorkflow } from "@action-validator/core";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { read, urlOf } from "./_docs.ts";

const WORKFLOWS = [...Deno.readDirSync(urlOf(".github/workflows/"))]
  .map(({ name }) => `.github/workflows/${name}`).sort();

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

function jobsOf(path: string): Job[] {
  return Object.values(parse(read(path)).jobs);
}

function stepsOf(path: string): readonly Step[] {
  return jobsOf(path).flatMap(({ steps }) => steps);
}

for (const path of WORKFLOWS) {
  Deno.test(`${path} is a workflow by the schema of GitHub Actions`, () => {
    // The validator's copy of the schema is older than this permission.
    const known = read(path).replaceAll(/^ +attestations: write\n/gm, "");
    assertEquals(validateWorkflow(known).errors, []);
  });

  Deno.test(`${path} takes actions by the hashes of their commits, with the version beside`, () => {
    const lines = read(path).match(/uses: .*/g) ?? [];
    assert(lines.length > 0);
    const loose = lines.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    assertEquals(loose, []);
  });

  Deno.test(`${path} ends: each of its jobs has a limit of time`, () => {
    assertEquals(jobsOf(path).filter((job) => !job["timeout-minutes"]), []);
  });

  Deno.test(`${path} is thin: each step is one line, of .ci/run or of a script that exists`, () => {
    const runs = stepsOf(path).flatMap(({ run }) => run ?? []);
    assertEquals(runs.filter((run) => run.trim().includes("\n")), []);
    const scripts = runs.flatMap((run) => /^\$DENO task (?:run|test) (\S+)/.exec(run)?.[1] ?? []);
    for (const script of scripts) assert(Deno.statSync(urlOf(script)).isFile);
    assertEquals(
      runs.filter((run) =>
        !/^(\.ci\/run$|\$DENO task (run|test) |gh release create |echo "\$GH_TOKEN" \| docker)/
          .test(run)
      ),
      [],
    );
  });

  Deno.test(`${path} gives no text of somebody else's to a shell`, () => {
    // Only what the repository itself says goes by expression, and none into a command.
    const runs = stepsOf(path).flatMap(({ run }) => run ?? []);
    assertEquals(runs.filter((run) => run.includes("${{")), []);
  });
}

Deno.test("a workflow that is none is found out", () => {
  assert(validateWorkflow("on: push\njobs: {a: {runs-on: x, stepz: []}}").errors.length > 0);
});
