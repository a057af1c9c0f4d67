import { validateWorkflow } from "@action-validator/core";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { read, urlOf } from "./_docs.ts";

const WORKFLOWS = [...Deno.readDirSync(urlOf(".github/workflows/"))]
  .map(({ name }) => `.github/workflows/${name}`).sort();

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  /** Another workflow, whose jobs have limits of their own; it has no steps. */
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}

function jobsOf(path: string): Job[] {
  return Object.values(parse(read(path)).jobs);
}

function stepsOf(path: string): readonly Step[] {
  return jobsOf(path).flatMap(({ steps = [] }) => steps);
}

for (const path of WORKFLOWS) {
  Deno.test(`${path} is a workflow by the schema of GitHub Actions`, () => {
    // The validator's copy of the schema is older than this permission.
    const known = read(path).replaceAll(/^ +attestations: write\n/gm, "");
    assertEquals(validateWorkflow(known).errors, []);
  });

  Deno.test(`${path} takes actions by the hashes of their commits, with the version beside`, () => {
    const lines = read(path).match(/uses: (?!\.\/).*/g) ?? [];
    assert(lines.length > 0);
    const loose = lines.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    assertEquals(loose, []);
  });

  Deno.test(`${path} ends: each of its jobs has a limit of time`, () => {
    assertEquals(jobsOf(path).filter((job) => !job["timeout-minutes"] && !job.uses), []);
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

Deno.test("no checkout keeps the workflow's token", () => {
  const checkouts = WORKFLOWS.flatMap(stepsOf).filter(({ uses }) => uses?.includes("/checkout@"));
  assert(checkouts.length > 0);
  assertEquals(checkouts.filter((step) => step.with?.["persist-credentials"] !== false), []);
});

Deno.test("a release waits for the tests, and attests the image and all of its files", () => {
  const { jobs } = parse(read(".github/workflows/release.yml"));
  const { tests, ...others }: Record<string, Job> = jobs;
  assertEquals(tests?.uses, "./.github/workflows/ci.yml");
  const early = Object.values(others).filter(({ needs = [] }) => ![needs].flat().includes("tests"));
  assertEquals(early, []);
  const attested = stepsOf(".github/workflows/release.yml")
    .filter(({ uses }) => uses?.startsWith("actions/attest-"))
    .map((step) => step.with?.["subject-path"] ?? step.with?.["subject-name"]);
  assertEquals(attested, [
    "${{ steps.image.outputs.name }}",
    "release/k8s-nlb-registrator-sidecar-*\nrelease/nlb-registrator-*.tgz\nrelease/sbom.cdx.json\nrelease/sourcemaps.json\nrelease/SHA256SUMS\n",
  ]);
});

Deno.test("the image is built for the processors that it is tested on, and for no other", async () => {
  const [, chosen = ""] = /(case[\s\S]*?esac)/.exec(read("Dockerfile")) ?? [];
  const script = `${chosen.replaceAll(" \\\n", "\n")}; echo "$target"`;
  const run = async (TARGETARCH: string) => {
    const { code, stdout } = await new Deno.Command("sh", {
      ...{ args: ["-c", script], clearEnv: true, env: { TARGETARCH } },
      ...{ stdout: "piped", stderr: "null" },
    }).output();
    return [code, new TextDecoder().decode(stdout).trim()];
  };
  assertEquals(await run("amd64"), [0, "x86_64-unknown-linux-gnu"]);
  assertEquals(await run("arm64"), [0, "aarch64-unknown-linux-gnu"]);
  for (const other of ["", "riscv64"]) assertEquals(await run(other), [1, ""]);
});

Deno.test("a workflow that is none is found out", () => {
  assert(validateWorkflow("on: push\njobs: {a: {runs-on: x, stepz: []}}").errors.length > 0);
});
