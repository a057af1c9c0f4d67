/** The stand-in for an application: whether it ends in good order, so that losses are not its own. */
import { assertEquals } from "@std/assert";
import { linesOf } from "../../../tools/lines.ts";
import { read, write } from "../emulator/traffic.ts";

const PROGRAM = new URL("../../cluster/programs/echo.ts", import.meta.url).pathname;
const HOST = "127.1.0.9";

/** The program, with a connection to it on which a line was answered. */
async function start(...args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-config", "--no-lock", "-A", PROGRAM, `--host=${HOST}`, ...args],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  const lines = linesOf(child.stdout).getReader();
  const { value = "" } = await lines.read();
  const port = Number(value.split(":").at(-1));
  const connection = await Deno.connect({ hostname: HOST, port });
  await write(connection, "one\n");
  assertEquals([value, await read(connection)], [`listening on ${HOST}:${port}`, "one\n"]);
  return {
    child,
    connection,
    /** Sends SIGTERM; done when it does not listen any more. */
    terminate: async () => {
      child.kill("SIGTERM");
      while (
        await Deno.connect({ hostname: HOST, port }).then((one) => one.close(), () => 1) !== 1
      );
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await lines.cancel();
      await child.stderr.cancel();
      assertEquals((await child.status).code, 0);
    },
  };
}

Deno.test("at SIGTERM the echo service listens no more, and ends a connection that is idle", async () => {
  await using echo = await start();
  await echo.terminate();
  assertEquals(await read(echo.connection), "end");
});

Deno.test("at SIGTERM the echo service answers the rest of a line before it ends", async () => {
  await using echo = await start();
  await write(echo.connection, "o");
  assertEquals(await read(echo.connection), "o");
  await echo.terminate();
  await write(echo.connection, "ne\n");
  assertEquals([await read(echo.connection), await read(echo.connection)], ["ne\n", "end"]);
});

Deno.test("the echo service's health is 200, and 503 from SIGUSR1 on", async () => {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using echo = await start(`--health-port=${port}`);
  const health = async () => {
    const response = await fetch(`http://${HOST}:${port}/`);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await health(), 200);
  echo.child.kill("SIGUSR1");
  while (await health() === 200);
  assertEquals(await health(), 503);
  await echo.terminate();
});
