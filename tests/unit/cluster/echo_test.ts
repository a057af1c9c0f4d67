import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { program } from "../emulator/child.ts";
import { read, write } from "../emulator/traffic.ts";
import { Echo, PROGRAM } from "./echo_process.ts";

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
  await using echo = await Echo.start("--health-port", `${port}`);
  const connection = await echo.connect();
  // Half a line keeps it busy, and its echo shows that the connection was accepted.
  await write(connection, "half");
  await connection.read(new Uint8Array(16));
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
