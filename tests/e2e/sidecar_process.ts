/** The sidecar as its users start it: a real process, its log, its signals, its exit. */
import { abortable } from "@std/async/abortable";
import { sidecarCommand } from "../../tools/sidecar_command.ts";

/** How a sidecar is started. */
export interface SidecarOptions {
  readonly args: readonly string[];
  /** Nothing is inherited but what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder to use as HOME; by default an empty one that goes away with the process. */
  readonly home?: string;
}

/** No test waits longer for an event than this. */
const PATIENCE_MS = 60_000;

/** Where Deno finds its cache, although the child's HOME is another. */
function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}

/** A started sidecar. Dispose of it to kill what is left of it. */
export class SidecarProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  /** The HOME that was made here, if it was. */
  readonly #ownHome: string | undefined;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #output: Promise<string>;
  readonly #logEnd: Promise<void>;
  #ended = false;

  constructor({ args, env = {}, home }: SidecarOptions) {
    this.#ownHome = home === undefined ? Deno.makeTempDirSync({ prefix: "sidecar-" }) : undefined;
    const [program, ...first] = sidecarCommand();
    this.#child = new Deno.Command(program, {
      args: [...first, ...args],
      clearEnv: true,
      env: {
        PATH: "/usr/bin:/bin",
        HOME: home ?? this.#ownHome ?? "",
        DENO_DIR: denoDir(),
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#child.stdout).text();
    this.#logEnd = this.#readLog();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The log lines so far. */
  get log(): readonly string[] {
    return this.#lines;
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Waits for a line of the log, those already written included. */
  async line(pattern: RegExp): Promise<string> {
    return await this.nth(pattern, 1);
  }

  /** Waits for the n-th such line, from 1. */
  async nth(pattern: RegExp, count: number): Promise<string> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    while (true) {
      const line = this.#lines.filter((line) => pattern.test(line))[count - 1];
      if (line !== undefined) return line;
      if (this.#ended) break;
      const more = Promise.withResolvers<void>();
      this.#listeners.add(more.resolve);
      await abortable(more.promise, patience).catch(() => {
        throw new Error(`no line ${pattern} in time; the log is:\n${this.#lines.join("\n")}`);
      });
      this.#listeners.delete(more.resolve);
    }
    throw new Error(`the log ended without a line ${pattern}:\n${this.#lines.join("\n")}`);
  }

  /** Waits for the end: the exit code, what it printed on stdout, the log. */
  async ended(): Promise<{ code: number; stdout: string; log: readonly string[] }> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const whole = Promise.all([this.#child.status, this.#output, this.#logEnd]);
    const [status, stdout] = await abortable(whole, patience).catch((reason) => {
      throw new Error(`the sidecar hangs; the log is:\n${this.#lines.join("\n")}`, {
        cause: reason,
      });
    });
    return { code: status.code, stdout, log: this.#lines };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await Promise.all([this.#child.status, this.#output, this.#logEnd]);
    if (this.#ownHome !== undefined) await Deno.remove(this.#ownHome, { recursive: true });
  }

  async #readLog(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake();
    }
    if (rest !== "") this.#lines.push(rest);
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}
