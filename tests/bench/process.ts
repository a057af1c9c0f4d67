/** A measured process: what it says on stderr, whether it sleeps, when it ended. */

/** How a process ended. */
export interface End {
  readonly at: number;
  readonly code: number;
}

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

  constructor([program, ...args]: readonly [string, ...string[]], env: Record<string, string>) {
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
