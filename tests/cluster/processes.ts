/**
 * Processes in the place of a container: the first one, and what is run beside it. All are ended
 * with the first, as a PID namespace ends them; one that leaves its process group is not found.
 */
import { PrintedLines } from "../../tools/lines.ts";

/** What is started, and with what environment; nothing is inherited. */
export interface Start {
  readonly command: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** The processes of one run of a container. */
export class Processes {
  readonly #env: ReadonlyMap<string, string>;
  readonly #first: Deno.ChildProcess;
  readonly #output: readonly PrintedLines[];
  readonly #others = new Set<Deno.ChildProcess>();
  /** The exit code of the first one, when all have ended: 128 and its number for a signal. */
  readonly exited: Promise<number>;

  /** @throws {Error} The program cannot be started. */
  constructor({ command, env }: Start) {
    this.#env = env;
    this.#first = this.#spawn(command, "piped");
    this.#output = [new PrintedLines(this.#first.stdout), new PrintedLines(this.#first.stderr)];
    this.exited = this.#end();
  }

  get pid(): number {
    return this.#first.pid;
  }

  /** What the first one has printed. */
  get log(): readonly string[] {
    return this.#output.flatMap(({ lines }) => lines);
  }

  /** Waits for a line of its output. */
  line(pattern: RegExp): Promise<string> {
    return Promise.any(this.#output.map((one) => one.line(pattern)));
  }

  /** Sends a signal to the first process, as the container runtime does. */
  signal(signal: Deno.Signal): void {
    try {
      this.#first.kill(signal);
    } catch {
      // It has ended.
    }
  }

  /**
   * Runs a command beside the first process; it is ended with the container, or by the signal.
   * @returns Its exit code.
   */
  async run(command: readonly string[], signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const child = this.#spawn(command, "null");
    this.#others.add(child);
    const onAbort = () => killGroup(child.pid);
    signal.addEventListener("abort", onAbort);
    const { code } = await child.status;
    signal.removeEventListener("abort", onAbort);
    this.#others.delete(child);
    signal.throwIfAborted();
    return code;
  }

  #spawn([program = "", ...args]: readonly string[], output: "piped" | "null"): Deno.ChildProcess {
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: Object.fromEntries(this.#env),
      stdin: "null",
      stdout: output,
      stderr: output,
      // A group of its own, so that all of it can be ended.
      detached: true,
    }).spawn();
  }

  async #end(): Promise<number> {
    const { code } = await this.#first.status;
    for (const { pid } of [this.#first, ...this.#others]) killGroup(pid);
    await Promise.all([...this.#others].map(({ status }) => status));
    await Promise.all(this.#output.map(({ end }) => end));
    return code;
  }
}

function killGroup(id: number): void {
  try {
    Deno.kill(-id, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}
