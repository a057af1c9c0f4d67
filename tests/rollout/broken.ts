/** Sidecars that are broken on purpose: whoever watches a rollout has to notice. */
import type { Command } from "./programs.ts";

/** One thing that is broken. */
export interface Breakage {
  readonly name: string;
  /** In the source, from its root. */
  readonly file: string;
  /** What stands there, once. */
  readonly find: string;
  /** What stands there instead. */
  readonly put: string;
}

export const BREAKAGES: readonly Breakage[] = [
  {
    name: "does not wait for the drain",
    file: "lib/registration/drain.ts",
    find: "if (isIdle && this.#elapsed() >= rules.minTime) return this.#drained();",
    put: "return this.#drained();",
  },
  {
    name: "answers /drain early",
    file: "lib/http/routes.ts",
    find: "const end = await view.drain();",
    put: 'view.drain(); const end = { outcome: "drained", reason: "" };',
  },
  {
    name: "deregisters after the application's exit",
    file: "lib/http/routes.ts",
    find: "const end = await view.drain();",
    put: 'const end = { outcome: "drained", reason: "" };',
  },
  {
    name: "never deregisters",
    file: "lib/registration/deregister.ts",
    find: "const fault = await deregister(registration, deadline);",
    put: "const fault = undefined;",
  },
];

const ROOT = new URL("../../", import.meta.url).pathname;

/** What a sidecar's source consists of. */
const SOURCE = ["main.ts", "deno.json", "deno.lock", "lib", "tools/bundle.ts", "tools/bundle"]
  .concat("tools/std");

/** A broken copy of this checkout's sidecar, until it is disposed of. */
export class BrokenSidecar implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws {Error} What is to be broken does not stand in the source once. */
  static async of({ file, find, put }: Breakage): Promise<BrokenSidecar> {
    const folder = await Deno.makeTempDir({ prefix: "broken-" });
    for (const part of SOURCE) await copy(`${ROOT}${part}`, `${folder}/${part}`);
    const source = await Deno.readTextFile(`${folder}/${file}`);
    if (source.split(find).length !== 2) throw new Error(`${file} does not have once: ${find}`);
    await Deno.writeTextFile(`${folder}/${file}`, source.replace(find, () => put));
    await bundleIn(folder);
    return new BrokenSidecar(folder);
  }

  get command(): Command {
    const options = ["--quiet", "--no-prompt", "--no-config", "-A"];
    return [Deno.execPath(), "run", ...options, `${this.#folder}/dist/main.js`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

async function bundleIn(folder: string): Promise<void> {
  const map = import.meta.resolve("@std/assert").startsWith("file:")
    ? [`--import-map=${folder}/tools/std/import_map.json`]
    : [];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "-A", ...map, "tools/bundle.ts", "dist"],
    cwd: folder,
  }).output();
  if (code !== 0) throw new Error(`the bundle failed: ${new TextDecoder().decode(stderr)}`);
}
