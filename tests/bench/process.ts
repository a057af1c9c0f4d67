/** A measured process: what it says on stderr, whether it sleeps, when it ended. */
import { PrintedLines } from "../../tools/lines.ts";
import {
  type Activity,
  activityOf,
  type Memory,
  memoryOf,
  openFiles,
  sleeps,
} from "../process/proc.ts";

/** How a process ended. */
export interface End {
  /** Here and below, moments are those of `performance.now()`. */
  readonly at: number;
  readonly code: number;
}

/** A started process. Dispose of it to kill what is left of it. */
export class MeasuredProcess implements AsyncDisposable {
  /** Right before it was started. */
  readonly startedAt: number;
  readonly ended: Promise<End>;
  readonly log: PrintedLines;
  readonly #child: Deno.ChildProcess;
  #hasEnded = false;

  constructor(
    [program, ...args]: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
  ) {
    const command = new Deno.Command(program, {
      ...{ args, env, clearEnv: true },
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    });
    this.startedAt = performance.now();
    this.#child = command.spawn();
    this.ended = this.#child.status.then(({ code }) => {
      this.#hasEnded = true;
      return { at: performance.now(), code };
    });
    this.log = new PrintedLines(this.#child.stderr);
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  async memory(): Promise<Memory> {
    return await memoryOf(this.#child.pid);
  }

  async activity(): Promise<Activity> {
    return await activityOf(this.#child.pid);
  }

  /** How many files and connections it has open. */
  openFiles(): number {
    return openFiles(this.#child.pid);
  }

  /** Settled when none of its threads runs: all that it had to do is done. */
  async asleep(): Promise<void> {
    // A check takes long enough. One fails if a thread ends meanwhile, or if all have.
    while (!await sleeps(this.#child.pid).catch(() => this.#hasEnded)) { /* check again */ }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await Promise.all([this.ended, this.log.end]);
  }
}
