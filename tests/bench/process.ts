/** A measured process: what it says on stderr, whether it sleeps, when it ended. */

/** How a process ended. */
export interface End {
  readonly at: number;
  readonly code: number;
}

/** What a process takes, in MB (of 1024 × 1024 bytes), by `/proc/PID`. */
export interface Memory {
  readonly resident: number;
  /** What is not shared with another process, so that each pod takes it anew. */
  readonly private: number;
  /** The most that was resident at any time. */
  readonly peak: number;
}

/** What a process has done since its start. */
export interface Activity {
  readonly cpuMs: number;
  /** How often one of its threads went to sleep, and so was woken before. */
  readonly wakeUps: number;
}

/** A clock tick of `/proc/PID/stat`: Linux says 100 a second on every machine that Deno runs on. */
const TICK_MS = 10;

/** A started process. Dispose of it to kill what is left of it. */
export class MeasuredProcess implements AsyncDisposable {
  /** Right before it was started. Here and below, moments are those of `performance.now()`. */
  readonly startedAt: number;
  readonly ended: Promise<End>;
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<void>;
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #text = "";
  #hasEnded = false;

  constructor(
    [program, ...args]: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
  ) {
    const command = new Deno.Command(program, {
      args,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    this.startedAt = performance.now();
    this.#child = command.spawn();
    this.ended = this.#child.status.then(({ code }) => {
      this.#hasEnded = true;
      return { at: performance.now(), code };
    });
    this.#log = this.#readLog();
  }

  /** All that it has written on stderr so far. */
  get text(): string {
    return this.#text;
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Settled when it has written these words; never, if it does not. */
  says(words: string): Promise<void> {
    const waiting = this.#waiting.get(words) ?? Promise.withResolvers<void>();
    this.#waiting.set(words, waiting);
    this.#wake();
    return waiting.promise;
  }

  /** What it takes at this moment. @throws {Error} It has ended. */
  async memory(): Promise<Memory> {
    const folder = `/proc/${this.#child.pid}`;
    const rollup = await Deno.readTextFile(`${folder}/smaps_rollup`);
    const status = await Deno.readTextFile(`${folder}/status`);
    return {
      resident: megabytes(rollup, "Rss"),
      private: megabytes(rollup, "Private_Clean") + megabytes(rollup, "Private_Dirty"),
      peak: megabytes(status, "VmHWM"),
    };
  }

  /** What it has done so far. @throws {Error} It has ended. */
  async activity(): Promise<Activity> {
    const tasks = `/proc/${this.#child.pid}/task`;
    let [ticks, wakeUps] = [0, 0];
    for await (const { name } of Deno.readDir(tasks)) {
      const stat = await Deno.readTextFile(`${tasks}/${name}/stat`);
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // The 14th and 15th field of the line: time in user mode, time in the kernel.
      ticks += Number(fields[11]) + Number(fields[12]);
      const status = await Deno.readTextFile(`${tasks}/${name}/status`);
      wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? NaN);
    }
    return { cpuMs: ticks * TICK_MS, wakeUps };
  }

  /** How many files and connections it has open. @throws {Error} It has ended. */
  openFiles(): number {
    return [...Deno.readDirSync(`/proc/${this.#child.pid}/fd`)].length;
  }

  /** Settled when none of its threads runs: all that it had to do is done. */
  async asleep(): Promise<void> {
    while (!await this.#sleeps()) { /* a look takes long enough */ }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await Promise.all([this.ended, this.#log]);
  }

  async #sleeps(): Promise<boolean> {
    const tasks = `/proc/${this.#child.pid}/task`;
    try {
      for await (const { name } of Deno.readDir(tasks)) {
        const stat = await Deno.readTextFile(`${tasks}/${name}/stat`);
        // The state comes after the name, which is in brackets and may hold anything.
        if (!stat.slice(stat.lastIndexOf(")") + 1).startsWith(" S")) return false;
      }
      return true;
    } catch {
      // A thread has ended between the two looks; or all have, and nothing will ever run.
      return this.#hasEnded;
    }
  }

  async #readLog(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#wake();
    }
  }

  #wake(): void {
    for (const [words, { resolve }] of this.#waiting) if (this.#text.includes(words)) resolve();
  }
}

function megabytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? NaN) / 1_024;
}
