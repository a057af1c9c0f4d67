import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { program } from "../emulator/child.ts";
import { isReset, read, write } from "../emulator/traffic.ts";

const PROGRAM = "tests/cluster/programs/echo.ts";

/** The echo service as a process, at an address of its own. */
class Echo implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #connections: Deno.TcpConn[] = [];
  address: { readonly hostname: string; readonly port: number } = { hostname: "", port: 0 };

  private constructor(args: readonly string[]) {
    this.#child = program(PROGRAM, { args: ["--host", "127.1.0.9", "--port", "0", ...args] })
      .spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

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

  async connect(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect(this.address);
    this.#connections.push(connection);
    return connection;
  }

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

Deno.test("the echo service answers each line, and ends when its user has", async () => {
  await using echo = await Echo.start();
  const connection = await echo.connect();
  await write(connection, "one\n");
  assertEquals(await read(connection), "one\n");
  await write(connection, "two\n");
  await connection.closeWrite();
  assertEquals([await read(connection), await read(connection)], ["two\n", "end"]);
});

Deno.test("at SIGTERM it listens no more, and answers what was asked", async () => {
  await using echo = await Echo.start("--delay", "500");
  const connection = await echo.connect();
  // So that it is accepted: one that is not is lost.
  await write(connection, "one\n");
  await read(connection);
  await write(connection, "asked before\n");
  echo.signal("SIGTERM");
  await echo.deaf();
  assertEquals([await read(connection), await read(connection)], ["asked before\n", "end"]);
  assertEquals(await echo.ended(), 0);
});

Deno.test("at SIGTERM it ends a connection that is idle", async () => {
  await using echo = await Echo.start();
  const connection = await echo.connect();
  await write(connection, "one\n");
  await read(connection);
  echo.signal("SIGTERM");
  assertEquals(await read(connection), "end");
  assertEquals(await echo.ended(), 0);
});

Deno.test("at SIGTERM it waits for the rest of a line", async () => {
  await using echo = await Echo.start();
  const connection = await echo.connect();
  await write(connection, "o");
  assertEquals(await read(connection), "o");
  echo.signal("SIGTERM");
  await echo.deaf();
  await write(connection, "n");
  assertEquals(await read(connection), "n");
  await write(connection, "e\n");
  assertEquals([await read(connection), await read(connection)], ["e\n", "end"]);
  assertEquals(await echo.ended(), 0);
});

Deno.test("at SIGTERM it gives a connection time on which nothing was asked yet", async () => {
  await using echo = await Echo.start();
  const connection = await echo.connect();
  // Connections are accepted in their order.
  const next = await echo.connect();
  await write(next, "one\n");
  await read(next);
  echo.signal("SIGTERM");
  await echo.deaf();
  await write(connection, "late\n");
  assertEquals([await read(connection), await read(connection)], ["late\n", "end"]);
  assertEquals(await echo.ended(), 0);
});

Deno.test("asked to die, it dies at SIGTERM", async () => {
  await using echo = await Echo.start("--on-sigterm=die", "--delay=60000");
  const connection = await echo.connect();
  await write(connection, "never answered\n");
  echo.signal("SIGTERM");
  assertEquals(await echo.ended(), "SIGTERM");
});

Deno.test("its health is 200, and 503 from SIGUSR1 on", async () => {
  const port = freePort();
  await using echo = await Echo.start("--health-port", `${port}`);
  assertEquals(await health(port), 200);
  echo.signal("SIGUSR1");
  while (await health(port) === 200);
  assertEquals(await health(port), 503);
});

Deno.test("its health is 503 from SIGTERM on", async () => {
  const port = freePort();
  await using echo = await Echo.start("--health-port", `${port}`, "--delay", "60000");
  const connection = await echo.connect();
  await write(connection, "slow\n");
  echo.signal("SIGTERM");
  await echo.deaf();
  assertEquals(await health(port), 503);
});

Deno.test("what it does not know, it refuses", async () => {
  for (const args of [["--hots", "127.0.0.1"], ["--on-sigterm", "laugh"], ["--port"]]) {
    const { code, stderr } = await program(PROGRAM, { args }).output();
    assertEquals(code, 2);
    assertStringIncludes(new TextDecoder().decode(stderr), args.join(" "));
  }
});

Deno.test("it does not listen before it is told to", async () => {
  const [port, healthPort] = [freePort(), freePort()];
  const args = ["--port", `${port}`, "--listen-after=3600000", `--health-port=${healthPort}`];
  await using echo = Echo.spawn(...args);
  while (await health(healthPort).catch(() => 0) === 0);
  await assertRejects(
    () => Deno.connect({ hostname: "127.1.0.9", port }),
    Deno.errors.ConnectionRefused,
  );
  echo.signal("SIGTERM");
  assertEquals(await echo.ended(), 0);
});

async function health(port: number): Promise<number> {
  const response = await fetch(`http://127.1.0.9:${port}/`);
  await response.body?.cancel();
  return response.status;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.1.0.9", port: 0 });
  return listener.addr.port;
}
