/** The echo service as the tests run it. */
import { program } from "../emulator/child.ts";
import { isReset } from "../emulator/traffic.ts";

/** The program. */
export const PROGRAM = "tests/cluster/programs/echo.ts";

/** The echo service as a process, at an address of its own. */
export class Echo implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #connections: Deno.TcpConn[] = [];
  /** Where it listens. */
  address: { readonly hostname: string; readonly port: number } = { hostname: "", port: 0 };

  private constructor(args: readonly string[]) {
    this.#child = program(PROGRAM, { args: ["--host", "127.1.0.9", "--port", "0", ...args] })
      .spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts it; done when it listens, at 127.1.0.9 and any port unless the options differ. */
  static async start(...args: string[]): Promise<Echo> {
    const echo = new Echo(args);
    const { value = "" } = await echo.#lines.read();
    const [, hostname = "", port] = /^listening on (.*):(\d+)\n$/.exec(value) ?? [];
    echo.address = { hostname, port: Number(port) };
    return echo;
  }

  /** One of which nothing is awaited. */
  static spawn(...args: string[]): Echo {
    return new Echo(args);
  }

  /** A connection, which is closed at the end. */
  async connect(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect(this.address);
    this.#connections.push(connection);
    return connection;
  }

  /** Sends it a signal. */
  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | Deno.Signal> {
    const { code, signal } = await this.#child.status;
    return signal ?? code;
  }

  /** Settled when nobody listens any more. */
  async deaf(): Promise<void> {
    while (true) {
      try {
        (await Deno.connect(this.address)).close();
      } catch (error) {
        if (isReset(error)) continue;
        if (error instanceof Deno.errors.ConnectionRefused) return;
        throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#lines.cancel();
    await this.#child.stderr.cancel();
  }
}
