/** Copies of the tree in which changed programs run, out of reach of everything else. */
import { ROOT, stdOptions } from "../deno.ts";
import { outputOf } from "../process.ts";

/** How a run went. */
export interface Run {
  readonly end: "passed" | "failed" | "too slow";
  readonly output: string;
  /** In milliseconds. */
  readonly took: number;
}

/** Processes, a network and mounts of its own: a changed program may do whatever it can. */
const ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** Process 1 there reaps what a test leaves behind. What is written below /dev stays there. */
const INIT = `rm -rf .dev && mkdir -p .dev/new .dev/work && ip link set lo up &&
  mount -t overlay -o lowerdir=/dev,upperdir=.dev/new,workdir=.dev/work dev /dev || exit 1
  "$@"; exit $?`;

/** A copy of the tree. Dispose of it to remove it. */
export class Sandbox implements AsyncDisposable {
  readonly root: string;
  readonly #starter: readonly string[];

  private constructor(root: string, starter: readonly string[]) {
    this.root = root;
    this.#starter = starter;
  }

  static async create(): Promise<Sandbox> {
    const root = await Deno.makeTempDir({ prefix: "mutate-" });
    const list = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    for (const path of (await outputOf("git", list, { cwd: ROOT })).split("\n")) {
      const copy = `${root}/${path}`;
      await Deno.mkdir(copy.slice(0, copy.lastIndexOf("/")), { recursive: true });
      // What was deleted and not committed is in the list too.
      await Deno.copyFile(ROOT + path, copy).catch(() => {});
    }
    const [program = "", ...rest] = [...ALONE, "sh", "-c", INIT, "sh"];
    const isAllowed = await outputOf(program, [...rest, "true"], { cwd: root })
      .then(() => true, () => false);
    return new Sandbox(root, isAllowed ? [program, ...rest] : []);
  }

  /** Runs the tests of some files until one fails; `limit` in milliseconds. */
  async test(
    files: readonly string[],
    limit: number,
    coverage?: string,
  ): Promise<Run> {
    const options = coverage ? [`--coverage=${coverage}`, "--coverage-raw-data-only"] : [];
    const args = ["--no-prompt", "-A", "--no-check", "--fail-fast", ...options, ...files];
    return await this.deno(["test", ...stdOptions(this.root + "/"), ...args], limit, {
      SIDECAR_COVERAGE: coverage ?? "",
    });
  }

  /** Runs a subcommand of Deno's. */
  async deno(
    args: readonly string[],
    limit: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Run> {
    const [program = "", ...rest] = [...this.#starter, Deno.execPath(), ...args];
    const began = performance.now();
    const child = new Deno.Command(program, {
      ...{ args: rest, cwd: this.root, env: { NO_COLOR: "1", ...env } },
      // An open pipe: what is inherited by mistake does not end at once.
      ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
    }).spawn();
    let isTooSlow = false;
    const timer = setTimeout(() => {
      isTooSlow = true;
      child.kill("SIGKILL");
    }, limit);
    const { success, stdout, stderr } = await child.output();
    await child.stdin.close().catch(() => {});
    clearTimeout(timer);
    const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    const end = isTooSlow ? "too slow" : success ? "passed" : "failed";
    return { end, output, took: performance.now() - began };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}
