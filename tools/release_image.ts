/**
 * `deno task run tools/release_image.ts`: the image for both processors, from base images pinned by digest.
 *
 *   deno task run tools/release_image.ts --version X.Y.Z --repository OWNER/NAME [--push]
 *
 * Needs docker with buildx. Without --push it only builds. In a GitHub workflow it says the image's
 * name and digest as outputs of the step, and what the release's notes say of it.
 */
import { currentCommit, oneOption } from "./compile.ts";
import { ROOT } from "./deno.ts";
import { outputOf, runProgram } from "./process.ts";

/** The digest that a tag stands for right now, as the Dockerfile's arguments want it: `@sha256:…`. */
async function digestOf(image: string): Promise<string> {
  const format = "{{.Manifest.Digest}}";
  return "@" +
    await outputOf("docker", ["buildx", "imagetools", "inspect", image, "--format", format]);
}

/** What the release's notes say of the image. */
export function imageNotes(
  name: string,
  digest: string,
  bases: Readonly<Record<string, string>>,
): string {
  const rows = Object.entries(bases).map(([what, image]) => `- ${what}: \`${image}\``);
  return ["", "### Image", "", `- image: \`${name}@${digest}\``, ...rows, ""].join("\n");
}

async function main(): Promise<void> {
  const version = oneOption("version", Deno.args);
  const repository = oneOption("repository", Deno.args);
  if (version === undefined || repository === undefined) {
    throw new Error("give --version X.Y.Z and --repository OWNER/NAME");
  }
  const name = `ghcr.io/${repository.toLowerCase()}`;
  const deno = Deno.version.deno;
  const bases = {
    "compiled in": `docker.io/denoland/deno:${deno}`,
    "based on": "gcr.io/distroless/cc-debian12:nonroot",
  };
  const [denoDigest, runtimeDigest] = await Promise.all(Object.values(bases).map(digestOf));
  const metadata = await Deno.makeTempFile();
  const values = {
    ...{ DENO: deno, DENO_DIGEST: denoDigest, RUNTIME_DIGEST: runtimeDigest, VERSION: version },
    BASE_DIGEST: runtimeDigest?.replace("@", "") ?? "",
    ...{ COMMIT: await currentCommit(), SOURCE: `https://github.com/${repository}` },
  };
  // The default driver of docker builds for one processor only.
  await runProgram("docker", ["buildx", "create", "--use", "--name", "release"]);
  await runProgram("docker", [
    ...["buildx", "build", "--platform=linux/amd64,linux/arm64", "--provenance=false"],
    ...Object.entries(values).map(([key, value]) => `--build-arg=${key}=${value}`),
    ...[`--tag=${name}:${version}`, `--metadata-file=${metadata}`],
    ...(Deno.args.includes("--push") ? ["--push"] : []),
    ROOT,
  ]);
  const digest = JSON.parse(await Deno.readTextFile(metadata))["containerimage.digest"];
  const notes = imageNotes(`${name}:${version}`, digest, {
    "compiled in": bases["compiled in"] + denoDigest,
    "based on": bases["based on"] + runtimeDigest,
  });
  console.log(notes);
  const outputs = Deno.env.get("GITHUB_OUTPUT");
  if (outputs !== undefined) {
    const text = `name=${name}\ndigest=${digest}\nnotes<<NOTES\n${notes}\nNOTES\n`;
    await Deno.writeTextFile(outputs, text, { append: true });
  }
}

if (import.meta.main) await main();
