/** Podman and buildah, with the real base images or with stand-ins for them. */
import { compilingDeno } from "../../tools/compile.ts";
import { outputOf, runProgram } from "../../tools/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

export const IMAGE = "localhost/k8s-nlb-registrator-sidecar:test";

/** A place to build and run images, with a store of its own where the bases are stand-ins. */
export class Engine {
  constructor(
    /** Where podman runs: it may leave files. */
    readonly folder: string,
    /** The environment that the programs need. */
    readonly env: Readonly<Record<string, string>>,
    readonly standsIn: boolean,
    /** The version of Deno in the image. */
    readonly version: string,
  ) {}

  get denoImage(): string {
    return `docker.io/denoland/deno:${this.version}`;
  }

  podman(args: readonly string[]): Promise<string> {
    return outputOf("podman", args, { env: this.env, cwd: this.folder });
  }

  buildah(args: readonly string[]): Promise<string> {
    return outputOf("buildah", args, { env: this.env, cwd: this.folder });
  }

  /** podman, its output piped. */
  command(args: string[]): Deno.Command {
    const output = { stdout: "piped", stderr: "piped" } as const;
    return new Deno.Command("podman", { args, env: this.env, cwd: this.folder, ...output });
  }

  /** Builds the repository's Dockerfile as it is. */
  async build(): Promise<void> {
    const standsIn = this.standsIn ? ["--pull-never", "--isolation=chroot", "--network=host"] : [];
    await runProgram("buildah", [
      ...["bud", "--quiet", ...standsIn, `--build-arg=DENO=${this.version}`],
      ...["--build-arg=COMMIT=0123456789ab", "--build-arg=VERSION=test", "-t", IMAGE, ROOT],
    ], { env: this.env, cwd: this.folder });
  }
}

/**
 * Where `DENORT_BIN` names a runtime to compile with, no registry is used: the bases
 * are stand-ins, in a store of their own in `folder`. `SIDECAR_DENO` names the Deno of the same
 * version, where this one is another.
 */
export async function prepareEngine(folder: string): Promise<Engine> {
  const deno = compilingDeno();
  const version = await outputOf(deno, ["eval", "-p", "Deno.version.deno"]);
  const denort = Deno.env.get("DENORT_BIN");
  await Deno.mkdir(folder, { recursive: true });
  if (denort === undefined) return new Engine(folder, {}, false, version);
  const engine = new Engine(folder, await configure(folder), true, version);
  await makeStandIns(engine, deno, denort);
  return engine;
}

/** Settings with which podman 4 works as root without systemd, on the host's network. */
async function configure(folder: string): Promise<Record<string, string>> {
  await Deno.writeTextFile(
    `${folder}/containers.conf`,
    '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n' +
      'netns = "host"\n' +
      '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
  );
  await Deno.writeTextFile(
    `${folder}/storage.conf`,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/graph"\nrunroot = "${folder}/run"\n`,
  );
  return {
    CONTAINERS_CONF: `${folder}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
    BUILDAH_RUNTIME: "runc",
  };
}

/**
 * Stand-ins for the two base images that the Dockerfile names, under their public names, so that
 * the real Dockerfile builds unchanged where no image registry can be reached. They are made of
 * what is on this machine: Deno, the runtime that DENORT_BIN names, busybox, certificates.
 */
async function makeStandIns(engine: Engine, deno: string, denort: string): Promise<void> {
  const registry = (await outputOf("npm", ["config", "get", "registry"])).trim();
  const busybox = await outputOf("sh", ["-c", "command -v busybox"]);
  await makeImage(engine, engine.denoImage, {
    files: [[deno, "/usr/bin/deno"], [denort, "/usr/lib/denort"], [busybox, "/bin/busybox"]],
    links: ["sh", "mkdir", "cp", "mv", "rm", "cat", "ls"].map((name) => `/bin/${name}`),
    settings: [
      ...["--env=PATH=/usr/bin:/bin", "--env=DENO_DIR=/deno-dir"],
      ...["--env=DENORT_BIN=/usr/lib/denort", "--env=DENO_TLS_CA_STORE=mozilla,system"],
      `--env=NPM_CONFIG_REGISTRY=${registry}`,
    ],
    librariesOf: [deno, denort],
  });
  await makeImage(engine, "gcr.io/distroless/cc-debian12:nonroot", {
    ...{ files: [], links: [], librariesOf: [denort] },
    settings: [
      ...["--user=65532", "--workingdir=/home/nonroot", `--env=SSL_CERT_FILE=${CERTIFICATES}`],
      "--env=PATH=/usr/bin:/bin",
    ],
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
    const listings = contents.librariesOf.map((program) => outputOf("ldd", [program]));
    const libraries = (await Promise.all(listings)).flatMap((text) => text.match(/\/\S+/g) ?? []);
    const same = [...new Set([...libraries, CERTIFICATES])].map((path) => [path, path] as const);
    for (const [from, to] of [...contents.files, ...same]) {
      await Deno.mkdir((root + to).slice(0, (root + to).lastIndexOf("/")), { recursive: true });
      // A copy of the file itself, not of a link to it.
      await Deno.copyFile(await Deno.realPath(from), root + to);
    }
    for (const link of contents.links) await Deno.symlink("busybox", root + link);
    const container = await engine.buildah(["from", "scratch"]);
    await engine.buildah(["copy", "-q", container, root, "/"]);
    await engine.buildah(["config", ...contents.settings, container]);
    await engine.buildah(["commit", "-q", "--rm", container, name]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
