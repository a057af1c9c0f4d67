/** The sidecar as its users start it: a real process, its log, its signals, its exit. */
import { abortable } from "@std/async/abortable";
import { PrintedLines } from "../../tools/lines.ts";
import { sidecarCommand } from "../../tools/sidecar_command.ts";

/** How a sidecar is started. */
export interface SidecarOptions {
  readonly args: readonly string[];
  /** Nothing is inherited but what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder to use as HOME; by default an empty one that goes away with the process. */
  readonly home?: string;
  /** Whether its log is read from the start: see `readLog`. @default {true} */
  readonly readsLog?: boolean;
  /** What starts it, with the sidecar's command as further arguments. @default {[]} */
  readonly starter?: readonly string[];
}

/** No test waits longer for the end of a sidecar than this, in milliseconds. */
const PATIENCE = 60_000;

/** Where Deno finds its cache, although the child's HOME is another. */
function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}

/** A started sidecar. Dispose of it to kill what is left of it. */
export class SidecarProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly home: string;
  /** The HOME that was made here, if it was. */
  readonly #ownHome: string | undefined;
  #log: PrintedLines | undefined;
  readonly #output: Promise<string>;

  constructor({ args, env = {}, home, readsLog = true, starter = [] }: SidecarOptions) {
    this.#ownHome = home === undefined ? Deno.makeTempDirSync({ prefix: "sidecar-" }) : undefined;
    this.home = home ?? this.#ownHome ?? "";
    const [program = "", ...first] = [...starter, ...sidecarCommand()];
    this.#child = new Deno.Command(program, {
      args: [...first, ...args],
      clearEnv: true,
      env: {
        PATH: "/usr/bin:/bin",
        HOME: this.home,
        DENO_DIR: denoDir(),
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#child.stdout).text();
    if (readsLog) this.readLog();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The log lines so far. */
  get log(): readonly string[] {
    return this.#log?.lines ?? [];
  }

  /** Begins to read the log, which until then fills its pipe. */
  readLog(): PrintedLines {
    return this.#log ??= new PrintedLines(this.#child.stderr);
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Waits until a stop signal has arrived. */
  async stopping(): Promise<void> {
    await this.line(/ stop signal signal=/);
  }

  /** Sends a second stop signal, late enough not to be a repeat of the first. */
  async forceStop(name: Deno.Signal): Promise<void> {
    await this.stopping();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    this.signal(name);
    await this.line(/second stop signal/);
  }

  /** Waits for a line of the log, those already written included: the first, or the n-th. */
  async line(pattern: RegExp, nth = 1): Promise<string> {
    return await this.readLog().line(pattern, nth);
  }

  /** Waits for the end: the exit code, what it printed on stdout, the log. */
  async ended(): Promise<{ code: number; stdout: string; log: readonly string[] }> {
    const whole = Promise.all([this.#child.status, this.#output, this.#log?.end]);
    const [{ code }, stdout] = await abortable(whole, AbortSignal.timeout(PATIENCE)).catch(() => {
      throw new Error(`the sidecar hangs; the log is:\n${this.log.join("\n")}`);
    });
    return { code, stdout, log: this.log };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await Promise.all([this.#child.status, this.#output, this.#log?.end]);
    if (this.#ownHome !== undefined) await Deno.remove(this.#ownHome, { recursive: true });
  }
}
