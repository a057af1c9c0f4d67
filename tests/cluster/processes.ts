/**
 * Processes in the place of containers. A container's first process, what it starts and what is
 * run in it belong together: when the first one ends, the kernel ends all others, as it does with a
 * PID namespace.
 */
import { until } from "../emulator/pause.ts";
import type { Output } from "./output.ts";
import { Limit } from "./time.ts";

/** What is in the environment of all processes of a container, to find those that hide. */
const MARK = "TEST_CLUSTER_CONTAINER";

/** When all of a container's processes are gone its output has ended so many milliseconds later. */
const OUTPUT_ENDS_IN = 2_000;

/** How a process ended, as a shell counts: 128 and the signal's number for a signal. */
export interface Exit {
  readonly code: number;
}

/** What is started, and with what environment; nothing is inherited. */
export interface Start {
  readonly command: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** The processes of one life of a container. */
export class Processes {
  readonly #mark = crypto.randomUUID();
  readonly #env: ReadonlyMap<string, string>;
  readonly #first: Deno.ChildProcess;
  readonly #others = new Set<Deno.ChildProcess>();
  readonly #exited: Promise<Exit>;
  readonly #deaf = new AbortController();
  #isRunning = true;

  /** @throws {Error} The program cannot be started. */
  constructor({ command, env }: Start, output: Output) {
    this.#env = env;
    this.#first = this.#spawn(command, "piped");
    const { stdout, stderr } = this.#first;
    const read = [stdout, stderr].map((stream) => output.read(stream, this.#deaf.signal));
    this.#exited = this.#end(Promise.all(read));
  }

  get pid(): number {
    return this.#first.pid;
  }

  /** Resolves when the first process has ended, and all others with it. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /**
   * Sends a signal to the first process, as the container runtime does. The kernel drops SIGTERM
   * for the first process of a PID namespace that has neither a handler for it nor blocks it; so
   * does this.
   * @returns Whether it was delivered.
   */
  signal(signal: "SIGTERM" | "SIGKILL"): boolean {
    if (!this.#isRunning) return false;
    if (signal === "SIGTERM" && !heeds(this.pid, 15)) return false;
    try {
      Deno.kill(this.pid, signal);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Runs a command beside the first process. It is ended with the container, or by the signal.
   * @returns Its exit code; `undefined` if the container ended first, or is not running.
   * @throws {Error} The command cannot be started; or the signal's reason.
   */
  async run(command: readonly string[], signal: AbortSignal): Promise<number | undefined> {
    signal.throwIfAborted();
    if (!this.#isRunning) return undefined;
    const child = this.#spawn(command, "null");
    this.#others.add(child);
    const onAbort = () => killGroup(child.pid);
    signal.addEventListener("abort", onAbort, { once: true });
    const { code } = await child.status;
    this.#others.delete(child);
    signal.removeEventListener("abort", onAbort);
    signal.throwIfAborted();
    return this.#isRunning ? code : undefined;
  }

  #spawn(command: readonly string[], output: "piped" | "null"): Deno.ChildProcess {
    const [program = "", ...args] = command;
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...Object.fromEntries(this.#env), [MARK]: this.#mark },
      stdin: "null",
      stdout: output,
      stderr: output,
      // A group of its own, so that all of it can be ended.
      detached: true,
    }).spawn();
  }

  async #end(read: Promise<unknown>): Promise<Exit> {
    const { code } = await this.#first.status;
    this.#isRunning = false;
    killGroup(this.pid);
    for (const { pid } of this.#others) killGroup(pid);
    killMarked(`${MARK}=${this.#mark}`);
    await Promise.all([...this.#others].map(({ status }) => status));
    // Nobody holds the output any more now, but for one that left the group and its environment.
    using limit = new Limit(OUTPUT_ENDS_IN);
    if (!await until(read, limit.signal)) this.#deaf.abort();
    await read;
    return { code };
  }
}

/** Whether a process would act on a signal: catches it, or blocks it to fetch it later. */
function heeds(pid: number, signal: number): boolean {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return ["SigCgt", "SigBlk"].some((name) => {
      const mask = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
      return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
    });
  } catch {
    return false;
  }
}

function killGroup(id: number): void {
  try {
    Deno.kill(-id, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}

/** Ends what has left its process group. */
function killMarked(mark: string): void {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      if (environment.split("\0").includes(mark)) Deno.kill(Number(name), "SIGKILL");
    } catch {
      // It has ended, or is not ours.
    }
  }
}
