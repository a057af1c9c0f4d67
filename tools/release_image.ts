/**
 * `deno task run tools/release_image.ts`: the image for both processors, from base images pinned by digest.
 *
 *   deno task run tools/release_image.ts --version X.Y.Z --repository OWNER/NAME [--push]
 *
 * Needs docker with buildx. Without --push it only builds. In a GitHub workflow it says the image's
 * name and digest as outputs of the step.
 */
import { currentCommit, oneOption } from "./compile.ts";
import { outputOf, runProgram } from "./process.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** The digest that a tag stands for right now, as the Dockerfile's arguments want it: `@sha256:…`. */
async function digestOf(image: string): Promise<string> {
  const format = "{{.Manifest.Digest}}";
  return "@" +
    await outputOf("docker", ["buildx", "imagetools", "inspect", image, "--format", format]);
}

async function main(): Promise<void> {
  const version = oneOption("version", Deno.args);
  const repository = oneOption("repository", Deno.args);
  if (version === undefined || repository === undefined) {
    throw new Error("give --version X.Y.Z and --repository OWNER/NAME");
  }
  const name = `ghcr.io/${repository.toLowerCase()}`;
  const deno = Deno.version.deno;
  const metadata = await Deno.makeTempFile();
  const values = {
    DENO: deno,
    DENO_DIGEST: await digestOf(`docker.io/denoland/deno:${deno}`),
    RUNTIME_DIGEST: await digestOf("gcr.io/distroless/cc-debian12:nonroot"),
    VERSION: version,
    COMMIT: await currentCommit(),
    SOURCE: `https://github.com/${repository}`,
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
  console.log(`${name}:${version} is ${digest}`);
  const outputs = Deno.env.get("GITHUB_OUTPUT");
  if (outputs !== undefined) {
    await Deno.writeTextFile(outputs, `name=${name}\ndigest=${digest}\n`, { append: true });
  }
}

if (import.meta.main) await main();
