import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { parse } from "yaml";
import { bundle, packagesOf } from "../../../tools/bundle.ts";
import { packageOf } from "../../../tools/bundle/layout.ts";
import { checkedTarget, oneOption, TARGETS } from "../../../tools/compile.ts";
import { outputOf, runProgram } from "../../../tools/process.ts";
import { changelogSection, packChart, sums, withLinks } from "../../../tools/release.ts";
import { imageNotes } from "../../../tools/release_image.ts";
import { withSources } from "../../../tools/stack_trace.ts";
import { sbom } from "../../../tools/sbom.ts";
import { VERSION } from "../../../lib/version.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** A copy of what a bundle is made from, with what a test changes in it. */
async function checkout(
  change: (folder: string) => void,
): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  await Deno.mkdir(`${path}/somewhere/else`, { recursive: true });
  const parts = ["main.ts", "deno.json", "deno.lock", "lib", "tools"];
  await runProgram("cp", ["-R", ...parts, `${path}/somewhere/else`], { cwd: ROOT });
  change(`${path}/somewhere/else`);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Bundles as `deno task bundle` does. @returns The bundle's files, by name. */
async function bundledIn(folder: string, outdir: string): Promise<Record<string, string>> {
  const map = `--import-map=${ROOT}tools/std/import_map.json`;
  const options = ["--quiet", "--no-prompt", "--no-lock", "-A", map];
  await outputOf(Deno.execPath(), ["run", ...options, "tools/bundle.ts", outdir], { cwd: folder });
  const names = [...Deno.readDirSync(outdir)].map(({ name }) => name).sort();
  return Object.fromEntries(
    names.map((name) => [name, Deno.readTextFileSync(`${outdir}/${name}`)]),
  );
}

Deno.test("the bundle has the same bytes wherever its source is checked out", async () => {
  await using copy = await checkout(() => {});
  const here = await bundledIn(ROOT, `${copy.path}/here`);
  const there = await bundledIn(`${copy.path}/somewhere/else`, `${copy.path}/there`);
  assertEquals(Object.keys(there), Object.keys(here));
  assertEquals(Object.keys(here).filter((name) => here[name] !== there[name]), []);
  assertEquals(Object.keys(here).filter((name) => here[name]?.includes(copy.path)), []);
});

/** What may have been changed, and the error of the build. */
const TAMPERED: readonly (readonly [string, string, RegExp, string])[] = [
  [
    "a version in the import map",
    "tools/std/import_map.json",
    /(@smithy\/core@[\d.]+)/g,
    "out of date",
  ],
  [
    "a hash in the lock file",
    "deno.lock",
    /(@smithy\/core@[\d.]+": \{\s+"integrity": "sha512-)./,
    "hash",
  ],
];

for (const [what, file, pattern, message] of TAMPERED) {
  Deno.test(`${what} that was changed alone fails the build`, async () => {
    await using copy = await checkout((folder) => {
      const text = Deno.readTextFileSync(`${folder}/${file}`);
      assert(pattern.test(text));
      Deno.writeTextFileSync(`${folder}/${file}`, text.replace(pattern, (_, kept) => `${kept}1`));
    });
    const build = () => bundledIn(`${copy.path}/somewhere/else`, `${copy.path}/out`);
    await assertRejects(build, Error, message);
  });
}

Deno.test("a stack trace of the bundle becomes one of the source, behind edited imports too", async () => {
  await using copy = await checkout(() => {});
  const bundled = await bundledIn(ROOT, `${copy.path}/dist`);
  const { "main.js": text = "", "sourcemaps.json": json = "" } = bundled;
  const maps = JSON.parse(json);
  const lines = text.slice(0, text.lastIndexOf("Deno.exit(")).split("\n");
  assertMatch(lines.at(-1) ?? "", /import\("\.\/program-\w+\.js" {8}\)/);
  const place = `main.js:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
  const trace = withSources(
    `    at o (file:///a/dist/${place})\n    at sidecar/${place}`,
    maps,
  );
  const [, line = ""] = /at o \(main\.ts:(\d+):\d+\)\n +at main\.ts:/.exec(trace) ?? [];
  const source = Deno.readTextFileSync(`${ROOT}main.ts`).split("\n")[Number(line) - 1];
  assertStringIncludes(source ?? trace, "Deno.exit(");
  assertEquals(withSources("at ext:core/01_core.js:1:2", maps), "at ext:core/01_core.js:1:2");
});

Deno.test("packagesOf() finds the packages of source files, each once", () => {
  const folder = "node_modules/.deno/@smithy+core@3.41.0/node_modules/@smithy/core";
  const sources = [
    "lib/pod.ts",
    `${folder}/a.js`,
    `${folder}/b.js`,
    "node_modules/.deno/a@1.0.0_b@2/x",
  ];
  assertEquals(packagesOf(sources), [
    { name: "@smithy/core", version: "3.41.0" },
    { name: "a", version: "1.0.0" },
  ]);
  assertEquals(packageOf("@s/b@3.1.0_c@2.0.0"), { name: "@s/b", version: "3.1.0" });
});

Deno.test({
  name: "the packages of a build are those of its source maps, and the lock file has them all",
  // The process of esbuild outlives the test.
  ...{ sanitizeOps: false, sanitizeResources: false },
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const { packages, maps } = await bundle(folder);
    await Deno.remove(folder, { recursive: true });
    assertEquals(packages, packagesOf(Object.values(maps).flatMap(({ sources }) => sources)));
    assertEquals(packages.some(({ name }) => name === "esbuild"), false);
    const lock = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.lock`));
    const { components } = JSON.parse(sbom({ ...OPTIONS, packages, lock }));
    assertEquals(components.length, packages.length + 1);
  },
});

const OPTIONS = {
  ...{ version: "1.2.3", commit: "abc", deno: "2.9.6" },
  packages: [{ name: "@s/b", version: "3.1.0" }, { name: "a", version: "1.0.0" }],
  lock: {
    npm: {
      "@s/b@3.1.0_a@1.0.0": { integrity: "sha512-AQI=" },
      "a@1.0.0": { integrity: "sha512-AQI=" },
      "test-only@9.0.0": { integrity: "sha512-AQI=" },
    },
    workspace: { dependencies: [] },
  },
};

Deno.test("a runtime that cannot be downloaded: the message names DENORT_BIN, without a trace", async () => {
  const folder = await Deno.makeTempDir();
  const args = ["task", "-q", "compile", "--target", "aarch64-apple-darwin", "--outdir", folder];
  const { HOME = "", PATH = "", DENO_DIR } = Deno.env.toObject();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    ...{ args, cwd: ROOT, clearEnv: true },
    // Nothing listens there.
    env: { HOME, PATH, HTTPS_PROXY: "http://127.0.0.1:9", ...(DENO_DIR && { DENO_DIR }) },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 1, text);
  assertMatch(
    text,
    /^deno compile: .*\n\n.*set DENORT_BIN to the path of a denort of version 2\./s,
  );
  assert(!/^\s+at |backtrace|Uncaught/m.test(text), text);
});

Deno.test("the SBOM names Deno and the build's packages with their hashes, and is the same each time", () => {
  const { metadata, specVersion, components } = JSON.parse(sbom(OPTIONS));
  assertEquals([specVersion, metadata.component.version], ["1.5", "1.2.3"]);
  assertEquals(metadata.component.properties, [{ name: "commit", value: "abc" }]);
  const parts: { purl: string; hashes?: { content: string }[] }[] = components;
  assertEquals(parts.map(({ purl, hashes }) => [purl, hashes?.[0]?.content]), [
    ["pkg:github/denoland/deno@v2.9.6", undefined],
    ["pkg:npm/%40s/b@3.1.0", "0102"],
    ["pkg:npm/a@1.0.0", "0102"],
  ]);
  assertEquals(sbom(OPTIONS), sbom(OPTIONS));
  const missing = { ...OPTIONS, packages: [{ name: "x", version: "1.0.0" }] };
  assertThrows(() => sbom(missing), Error, "x@1.0.0");
});

Deno.test("changelogSection() is one version's text; a release without one is refused", () => {
  const changelog =
    "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n\n## [0.1.0] - 2026\n\n- Two.\n";
  assertEquals(changelogSection(changelog, "Unreleased"), "### Added\n\n- One.\n");
  assertEquals(changelogSection(changelog, "0.1.0"), "- Two.\n");
  assertThrows(() => changelogSection(changelog, "0.2.0"), Error, "no section [0.2.0]");
  assertThrows(() => changelogSection("## [0.2.0]\n\n## [0.1.0]\n", "0.2.0"), Error, "empty");
  assertEquals(/^\d+\.\d+\.\d+$/.test(VERSION), true);
});

Deno.test("the release's notes link to the pages of the version", () => {
  assertEquals(
    withLinks("[a](docs/a.md#b) [c](https://c.example)", "OWNER/NAME"),
    `[a](https://github.com/OWNER/NAME/blob/v${VERSION}/docs/a.md#b) [c](https://c.example)`,
  );
  assertEquals(withLinks("[a](docs/a.md)", undefined), "[a](docs/a.md)");
});

Deno.test("the release's notes name the image and its bases by their digests", () => {
  const notes = imageNotes("ghcr.io/a/b:1.0.0", "sha256:1", { "based on": "c@sha256:2" });
  assertEquals(
    notes,
    "\n### Image\n\n- image: `ghcr.io/a/b:1.0.0@sha256:1`\n- based on: `c@sha256:2`\n",
  );
});

Deno.test("every place names the version of lib/version.ts, and the changelog has its section", () => {
  const places: readonly (readonly [RegExp, RegExp])[] = [
    [/\.(md|yaml)$/, /k8s-nlb-registrator-sidecar[:/](?:releases\/download\/)?v?(\d+\.\d+\.\d+)/g],
    [/\.md$/, /(?:\bVersion |ref=v|nlb-registrator-)(\d+\.\d+\.\d+)/g],
    [/Chart\.yaml$/, /^ *(?:appV|v)ersion: (.+)$/gm],
  ];
  const files = ["README.md", ...filesIn("docs"), ...filesIn("deploy")];
  const named = places.flatMap(([path, pattern]) =>
    files.filter((file) => path.test(file)).flatMap((file) =>
      [...Deno.readTextFileSync(`${ROOT}${file}`).matchAll(pattern)].map(([, it]) => [file, it])
    )
  );
  assertEquals(named.filter(([, version]) => version !== VERSION), []);
  assert(named.length > 20, `${named.length} places`);
  assert(changelogSection(Deno.readTextFileSync(`${ROOT}CHANGELOG.md`), VERSION).length > 100);
});

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${ROOT}${folder}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

Deno.test("the chart of a release is one folder, with the same bytes each time", async () => {
  const [one, other] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  const name = await packChart(one);
  assertEquals(await sums(one, [name]), await sums(other, [await packChart(other)]));
  const files = (await outputOf("tar", ["-tzf", `${one}/${name}`])).split("\n");
  assert(files.includes("nlb-registrator/Chart.yaml"), files.join());
  assertEquals(files.filter((file) => !file.startsWith("nlb-registrator/")), []);
  for (const folder of [one, other]) await Deno.remove(folder, { recursive: true });
});

/** Stands in for `docker` and `gh`: refuses what it does not know, and files that are not there. */
const STAND_IN = `#!/bin/bash
set -eu
case "$(basename "$0") $1 \${2-}" in
  "docker login ghcr.io") cat ;;
  "docker buildx imagetools") echo sha256:${"a".repeat(64)} ;;
  "docker buildx create") ;;
  "docker buildx build")
    for arg; do
      case "$arg" in --metadata-file=*)
        echo '{"containerimage.digest":"sha256:${"b".repeat(64)}"}' > "\${arg#*=}" ;;
      esac
    done
    [[ " $* " == *" --push "* && " $* " == *" --platform=linux/amd64,linux/arm64 "* ]] ;;
  "gh release create")
    shift 3
    for arg; do case "$arg" in release/*) [[ -s "$arg" ]] && echo "$arg" ;; esac; done ;;
  *) echo "unknown: $0 $*" >&2; exit 1 ;;
esac
`;

Deno.test("the release workflow's commands run, with stand-ins for docker and gh", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["docker", "gh"]) {
    await Deno.writeTextFile(`${folder}/${name}`, STAND_IN, { mode: 0o755 });
  }
  const release = `${folder}/release`;
  await Deno.mkdir(release);
  const made = [
    ...TARGETS.map((target) => `k8s-nlb-registrator-sidecar-${target}`),
    ...["SHA256SUMS", "sbom.cdx.json", "sourcemaps.json", "NOTES.md"],
  ];
  for (const name of made) await Deno.writeTextFile(`${release}/${name}`, name);
  await packChart(release);
  const jobs: Record<string, { steps?: { run?: string }[] }> =
    parse(await Deno.readTextFile(`${ROOT}.github/workflows/release.yml`)).jobs;
  const steps = Object.values(jobs).flatMap(({ steps = [] }) =>
    steps.flatMap(({ run }) => run ?? [])
  );
  // CI runs this one, with binaries for all systems.
  const others = steps.filter((step) => !step.includes("tools/release.ts"));
  assertEquals([steps.length, others.length], [4, 3]);
  const env = {
    ...{ PATH: `${folder}:${Deno.env.get("PATH")}`, DENO: Deno.execPath(), GH_TOKEN: "t" },
    ...{ GITHUB_REF_NAME: `v${VERSION}`, GITHUB_REPOSITORY: "OWNER/k8s-nlb-registrator-sidecar" },
    ...{ GITHUB_ACTOR: "OWNER", GITHUB_OUTPUT: `${folder}/output` },
  };
  for (const step of others) {
    const cwd = step.startsWith("gh ") ? folder : ROOT;
    const output = await outputOf("bash", ["-euc", step], { cwd, env });
    if (!step.startsWith("gh ")) continue;
    assertEquals(
      output.split("\n").sort(),
      [
        "release/NOTES.md",
        `release/nlb-registrator-${VERSION}.tgz`,
        ...made.filter((name) => name !== "NOTES.md").map((name) => `release/${name}`),
      ].sort(),
    );
  }
  const outputs = await Deno.readTextFile(`${folder}/output`);
  assertMatch(
    outputs,
    /^name=ghcr\.io\/owner\/k8s-nlb-registrator-sidecar\ndigest=sha256:b+\nnotes<</,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("sums() writes what sha256sum checks", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["b", "a"]) await Deno.writeTextFile(`${folder}/${name}`, name);
  await Deno.writeTextFile(`${folder}/SUMS`, await sums(folder, ["b", "a"]));
  assertEquals(await outputOf("sha256sum", ["--check", "SUMS"], { cwd: folder }), "a: OK\nb: OK");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an unknown target is refused by name; of an option given twice the last one wins", () => {
  assertThrows(() => checkedTarget("riscv64"), Error, '--target is "riscv64"');
  assertEquals(oneOption("a", ["--a=1", "--a", "2"]), "2");
  assertEquals(oneOption("a", ["--b=1"]), undefined);
});
