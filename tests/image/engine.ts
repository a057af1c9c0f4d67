/** Podman and buildah, with the real base images or with stand-ins for them. */
import { compilingDeno } from "../../tools/compile.ts";
import { outputOf, runProgram } from "../../tools/process.ts";
import { makeStandIns } from "./stand_ins.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

export const IMAGE = "localhost/k8s-nlb-registrator-sidecar:test";

/** A place to build and run images, with a store of its own where the bases are stand-ins. */
export class Engine {
  constructor(
    /** What the programs have to be told by their environment. */
    readonly env: Readonly<Record<string, string>>,
    readonly standsIn: boolean,
    /** The version of Deno in the image. */
    readonly version: string,
  ) {}

  get denoImage(): string {
    return `docker.io/denoland/deno:${this.version}`;
  }

  async podman(args: readonly string[]): Promise<string> {
    return await outputOf("podman", args, { env: this.env });
  }

  async buildah(args: readonly string[]): Promise<string> {
    return await outputOf("buildah", args, { env: this.env });
  }

  /** Builds the repository's Dockerfile as it is. */
  async build(): Promise<void> {
    const standsIn = this.standsIn ? ["--pull-never", "--isolation=chroot", "--network=host"] : [];
    await runProgram("buildah", [
      ...["bud", "--quiet", ...standsIn, `--build-arg=DENO=${this.version}`],
      ...[`--build-arg=STD_SOURCE=${stdSource()}`, "--build-arg=COMMIT=0123456789ab"],
      ...["--build-arg=VERSION=test", "-t", IMAGE, ROOT],
    ], { env: this.env });
  }
}

function stdSource(): string {
  return import.meta.resolve("@std/assert").startsWith("file:") ? "npm" : "jsr";
}

/**
 * Where `DENORT_BIN` names a runtime to compile with, no registry is asked for anything: the bases
 * are stand-ins, in a store of their own in `folder`. `SIDECAR_DENO` names the Deno of the same
 * version, where this one is another.
 */
export async function prepareEngine(folder: string): Promise<Engine> {
  const deno = compilingDeno();
  const version = await outputOf(deno, ["eval", "-p", "Deno.version.deno"]);
  const denort = Deno.env.get("DENORT_BIN");
  if (denort === undefined) return new Engine({}, false, version);
  const engine = new Engine(await configure(folder), true, version);
  await makeStandIns(engine, { deno, version, denort });
  return engine;
}

/** Settings with which podman 4 works as root without systemd, on the host's network. */
async function configure(folder: string): Promise<Record<string, string>> {
  await Deno.mkdir(folder, { recursive: true });
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
