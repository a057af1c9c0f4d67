/**
 * Stand-ins for the two base images that the Dockerfile names, under their public names, so that
 * the real Dockerfile builds unchanged where no image registry can be reached. They are made of
 * what is on this machine: Deno, the runtime that DENORT_BIN names, busybox, certificates.
 */
import { outputOf } from "../../tools/process.ts";
import type { Engine } from "./engine.ts";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What the stand-ins are made of. */
export interface StandInOptions {
  /** The path of a Deno. */
  readonly deno: string;
  readonly version: string;
  /** The path of the runtime for `deno compile`, of the same version. */
  readonly denort: string;
}

export async function makeStandIns(
  engine: Engine,
  { deno, version, denort }: StandInOptions,
): Promise<void> {
  const registry = (await outputOf("npm", ["config", "get", "registry"])).trim();
  await makeImage(engine, `docker.io/denoland/deno:${version}`, {
    files: [
      [deno, "/usr/bin/deno"],
      [denort, "/usr/lib/denort"],
      [await which("busybox"), "/bin/busybox"],
    ],
    links: ["sh", "mkdir", "cp", "mv", "rm", "cat", "ls"].map((name) => `/bin/${name}`),
    settings: [
      "--env=PATH=/usr/bin:/bin",
      "--env=DENO_DIR=/deno-dir",
      "--env=DENORT_BIN=/usr/lib/denort",
      "--env=DENO_TLS_CA_STORE=mozilla,system",
      `--env=NPM_CONFIG_REGISTRY=${registry}`,
    ],
    librariesOf: [deno, denort],
  });
  await makeImage(engine, "gcr.io/distroless/cc-debian12:nonroot", {
    files: [],
    links: [],
    settings: [
      "--user=65532",
      "--workingdir=/home/nonroot",
      `--env=SSL_CERT_FILE=${CERTIFICATES}`,
      "--env=PATH=/usr/bin:/bin",
    ],
    librariesOf: [denort],
  });
}

interface Contents {
  /** From where to where. */
  readonly files: readonly (readonly [string, string])[];
  /** Names under which busybox is to be found. */
  readonly links: readonly string[];
  readonly settings: readonly string[];
  /** Programs whose libraries are to be in the image. */
  readonly librariesOf: readonly string[];
}

async function makeImage(engine: Engine, name: string, contents: Contents): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const folder of ["tmp", "root", "home/nonroot", "etc"]) {
      await Deno.mkdir(`${root}/${folder}`, { recursive: true });
    }
    await Deno.chmod(`${root}/tmp`, 0o1777);
    await Deno.writeTextFile(
      `${root}/etc/passwd`,
      "root:x:0:0:root:/root:/sbin/nologin\n" +
        "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    );
    const libraries = await librariesOf(contents.librariesOf);
    const all = [...contents.files, ...libraries, [CERTIFICATES, CERTIFICATES] as const];
    for (const [from, to] of all) await install(from, root + to);
    for (const link of contents.links) await Deno.symlink("busybox", root + link);
    const container = await engine.buildah(["from", "scratch"]);
    await engine.buildah(["copy", "-q", container, root, "/"]);
    await engine.buildah(["config", ...contents.settings, container]);
    await engine.buildah(["commit", "-q", "--rm", container, name]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function which(program: string): Promise<string> {
  return await outputOf("sh", ["-c", `command -v ${program}`]);
}

async function librariesOf(programs: readonly string[]): Promise<[string, string][]> {
  const listings = await Promise.all(programs.map((program) => outputOf("ldd", [program])));
  const paths = listings.flatMap((listing) => listing.match(/\/\S+/g) ?? []);
  return [...new Set(paths)].map((path) => [path, path]);
}

/** A copy of the file itself, not of a link to it. */
async function install(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(await Deno.realPath(from), to);
}
