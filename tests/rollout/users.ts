/** The users of a scene: a load in a process of its own. */
import { linesOf } from "../../tools/lines.ts";
import type { Failure, LoadOptions, LoadReport } from "../cluster/load.ts";

/** A failure, and when, in milliseconds since the epoch. */
export type DatedFailure = Failure & { readonly date: number };

/** What the process prints. */
export type UsersLine =
  | { readonly kind: "failure"; readonly failure: DatedFailure }
  | { readonly kind: "report"; readonly isLast: boolean } & Omit<LoadReport, "failures">;

/** Connections: those that were begun, that failed, and that this machine could not try. */
export interface Count {
  readonly begun: number;
  readonly failed: number;
  readonly notTried: number;
}

const PROGRAM = new URL("programs/users.ts", import.meta.url).pathname;

/** A running load. Disposing of it kills it. */
export class Users implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly failures: DatedFailure[] = [];
  #report: UsersLine & { kind: "report" } | undefined;
  #isOver = false;
  #news = Promise.withResolvers<void>();

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
    return countOf(this.#report, this.failures);
  }

  /** Resolves when so many connections were begun, or no more will be. */
  async begun(count: number): Promise<void> {
    while (this.count.begun < count && !this.#isOver) await this.#news.promise;
  }

  /**
   * Lets them finish what they have begun.
   * @throws {Error} The process ended without its last report.
   */
  async stop(): Promise<Count> {
    await this.#child.stdin.close();
    await this.#reading;
    if (!this.#report?.isLast) throw new Error("the users' process ended without a report");
    return this.count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.#child.kill("SIGKILL");
    await this.#child.stdin.close().catch(() => {});
    await this.#reading;
    await this.#child.status;
  }

  async #read(): Promise<void> {
    for await (const text of linesOf(this.#child.stdout)) {
      const line: UsersLine = JSON.parse(text);
      if (line.kind === "failure") this.failures.push(line.failure);
      else this.#report = line;
      this.#tell();
    }
    this.#isOver = true;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** All kinds together. */
export function countOf(
  report: Omit<LoadReport, "failures"> | undefined,
  failures: readonly Pick<Failure, "what">[],
): Count {
  const tallies = Object.values(report?.tallies ?? {});
  const notTried = failures.filter(({ what }) => what === "not-tried").length;
  return {
    begun: tallies.reduce((sum, { begun }) => sum + begun, 0) - notTried,
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0) - notTried,
    notTried: notTried + (report?.withheld ?? 0),
  };
}
