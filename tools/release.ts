/**
 * `deno task run tools/release.ts`: everything that a release consists of but its image, in `release/`.
 *
 *   deno task run tools/release.ts [--version X.Y.Z] [--twice] [--outdir FOLDER]
 *
 * Without --version it is a dry run: the notes are those of "Unreleased". With --twice all of it
 * is made once more, and has to be the same, byte for byte. Where DENORT_BIN names a runtime, only
 * this system's binary is made, since a runtime is for one system.
 */
import { VERSION } from "../lib/version.ts";
import { compile, currentCommit, oneOption, PROGRAM, TARGETS } from "./compile.ts";
import { changelogSection, packagesOf, sums } from "./release_files.ts";
import { sbom } from "./sbom.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Makes all files; the result is their names. */
async function makeRelease(outdir: string, version: string | undefined): Promise<string[]> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  await Deno.mkdir(outdir, { recursive: true });
  const commit = await currentCommit();
  const binaries: string[] = [];
  for (const target of targets()) {
    const name = `${PROGRAM}-${target}`;
    await compile({ output: `${outdir}/${name}`, target, commit });
    binaries.push(name);
  }
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${outdir}/${name}`, text);
    return name;
  };
  const document = await write("sbom.cdx.json", await makeSbom(commit));
  const summed = [...binaries, document];
  const changelog = await Deno.readTextFile(`${ROOT}CHANGELOG.md`);
  return [
    ...summed,
    await write("SHA256SUMS", await sums(outdir, summed)),
    await write("NOTES.md", changelogSection(changelog, version ?? "Unreleased")),
  ];
}

function targets(): readonly string[] {
  return Deno.env.get("DENORT_BIN") === undefined ? TARGETS : [Deno.build.target];
}

async function makeSbom(commit: string): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const sources = [`${ROOT}main.ts`, ...sourcesIn(`${ROOT}lib`)].map((path) =>
    Deno.readTextFileSync(path)
  );
  return sbom({
    version: VERSION,
    deno: Deno.version.deno,
    imports: packagesOf(sources, imports),
    ...{ commit, lock },
  });
}

function sourcesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? sourcesIn(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

async function main(): Promise<void> {
  const version = oneOption("version", Deno.args);
  if (version !== undefined && version !== VERSION) {
    throw new Error(`--version is "${version}", but lib/version.ts says ${VERSION}`);
  }
  const outdir = oneOption("outdir", Deno.args) ?? `${ROOT}release`;
  const names = await makeRelease(outdir, version);
  for (const name of names) {
    console.log(`${(await Deno.stat(`${outdir}/${name}`)).size} bytes  ${name}`);
  }
  if (!Deno.args.includes("--twice")) return;
  const before = await sums(outdir, names);
  const after = await sums(outdir, await makeRelease(outdir, version));
  if (before !== after) throw new Error(`made twice, the files differ:\n${before}and\n${after}`);
  console.log("made twice, byte for byte the same");
}

if (import.meta.main) await main();
