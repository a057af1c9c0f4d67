/** The users of a scene: a load in a process of its own. */
import { TextLineStream } from "./lines.ts";
import type { Failure, Kind, LoadOptions, LoadReport, Tally } from "../cluster/load.ts";

/** What the process prints. */
export type UsersLine =
  | { readonly kind: "tallies"; readonly tallies: Readonly<Record<Kind, Tally>> }
  | { readonly kind: "failure"; readonly failure: Failure; readonly startedAt: number }
  | { readonly kind: "report"; readonly report: LoadReport };

/** A failure, and when, in milliseconds since the epoch. */
export type DatedFailure = Failure & { readonly date: number };

/** How many connections were begun, and how many failed. */
export interface Count {
  readonly begun: number;
  readonly failed: number;
}

const PROGRAM = new URL("programs/users.ts", import.meta.url).pathname;

/** A running load. Disposing of it kills it. */
export class Users implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #listeners = new Set<() => void>();
  readonly failures: DatedFailure[] = [];
  #count: Count = { begun: 0, failed: 0 };
  #report: LoadReport | undefined;
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-check", "-A", PROGRAM, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  /** So far. */
  get count(): Count {
    return this.#count;
  }

  /** Resolves when so many connections were begun, or no more will be. */
  async begun(count: number): Promise<void> {
    while (this.#count.begun < count && !this.#isOver) await this.#news();
  }

  /**
   * Lets them finish what they have begun.
   * @throws {Error} The process ended without a report.
   */
  async stop(): Promise<LoadReport> {
    await this.#child.stdin.close();
    await this.#reading;
    if (!this.#report) throw new Error("the users' process ended without a report");
    return this.#report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.stdin.close().catch(() => {});
    await this.#reading;
    await this.#child.status;
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) this.#take(JSON.parse(line));
    this.#isOver = true;
    this.#tell();
  }

  #take(line: UsersLine): void {
    switch (line.kind) {
      case "failure":
        this.failures.push({ ...line.failure, date: line.startedAt + line.failure.at });
        break;
      case "tallies":
        this.#count = countOf(line.tallies);
        break;
      case "report":
        this.#report = line.report;
        this.#count = countOf(line.report.tallies);
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const listener = () => {
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }
}

/** All kinds together. */
export function countOf(tallies: Readonly<Record<Kind, Tally>>): Count {
  const all = Object.values(tallies);
  return {
    begun: all.reduce((sum, { begun }) => sum + begun, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
  };
}
