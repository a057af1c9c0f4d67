/**
 * `deno task run tools/release.ts`: everything that a release consists of but its image, in
 * `release/`.
 *
 *   deno task run tools/release.ts [--version X.Y.Z] [--twice] [--outdir FOLDER]
 *
 * Without --version it is a dry run. With --twice all of it is
 * made once more, and has to be the same, byte for byte. `IMAGE` is the text on the image that goes
 * into the notes: `tools/release_image.ts` makes it. Where DENORT_BIN names a runtime, only this
 * system's binary is made, since a runtime is for one system.
 */
import { VERSION } from "../lib/version.ts";
import { compile, currentCommit, exitBy, oneOption, TARGETS } from "./compile.ts";
import { ROOT } from "./deno.ts";
import { runProgram } from "./process.ts";
import { sbom } from "./sbom.ts";

/** Makes all files; the result is their names. */
async function makeRelease(outdir: string): Promise<string[]> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  const commit = await currentCommit();
  const targets = Deno.env.get("DENORT_BIN") === undefined ? TARGETS : [Deno.build.target];
  const { names, packages, maps } = await compile({ targets, commit, outdir });
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${outdir}/${name}`, text);
    return name;
  };
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const document = sbom({ version: VERSION, deno: Deno.version.deno, commit, packages, lock });
  const summed = [
    ...names,
    await write("sbom.cdx.json", document),
    await write("sourcemaps.json", JSON.stringify(maps)),
    await packChart(outdir),
  ];
  const changelog = await Deno.readTextFile(`${ROOT}CHANGELOG.md`);
  const image = Deno.env.get("IMAGE") ?? "";
  const repository = Deno.env.get("GITHUB_REPOSITORY");
  return [
    ...summed,
    await write("SHA256SUMS", await sums(outdir, summed)),
    await write("NOTES.md", withLinks(changelogSection(changelog, VERSION), repository) + image),
  ];
}

/** The Helm chart, as `helm package` names it, and with the same bytes each time. @returns Its name. */
export async function packChart(outdir: string): Promise<string> {
  const name = `nlb-registrator-${VERSION}.tgz`;
  await runProgram("tar", [
    ...["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"],
    ...["--mode=u+rw,go+r,go-w,a+X", "--use-compress-program=gzip -n"],
    ...["-C", `${ROOT}deploy/helm`, "-cf", `${outdir}/${name}`, "nlb-registrator"],
  ]);
  return name;
}

/** Lines as `sha256sum` writes and checks them, sorted by name. */
export async function sums(folder: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    [...names].sort().map(async (name) => {
      const content = await Deno.readFile(`${folder}/${name}`);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
      const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return `${hex}  ${name}\n`;
    }),
  );
  return lines.join("");
}

/**
 * A version's section of a changelog, without its heading.
 * @throws {Error} It has none, or an empty one.
 */
export function changelogSection(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((one) => one.startsWith(`[${version}]`));
  const text = section?.slice(section.indexOf("\n")).trim() ?? "";
  if (text === "") throw new Error(`CHANGELOG.md has no section [${version}], or it is empty`);
  return text + "\n";
}

/** Links to this repository, which would lead nowhere from the page of a release. */
export function withLinks(notes: string, repository: string | undefined): string {
  if (repository === undefined) return notes;
  const source = `https://github.com/${repository}/blob/v${VERSION}/`;
  return notes.replaceAll(/\]\((?!https?:|#)/g, `](${source}`);
}

async function main(): Promise<void> {
  const version = oneOption("version", Deno.args);
  if (version !== undefined && version !== VERSION) {
    throw new Error(`--version is "${version}", but lib/version.ts says ${VERSION}`);
  }
  const outdir = oneOption("outdir", Deno.args) ?? `${ROOT}release`;
  const names = await makeRelease(outdir);
  for (const name of names) {
    console.log(`${(await Deno.stat(`${outdir}/${name}`)).size} bytes  ${name}`);
  }
  if (!Deno.args.includes("--twice")) return;
  const before = await sums(outdir, names);
  const after = await sums(outdir, await makeRelease(outdir));
  if (before !== after) throw new Error(`made twice, the files differ:\n${before}and\n${after}`);
  console.log("made twice, byte for byte the same");
}

if (import.meta.main) await main().catch(exitBy);
