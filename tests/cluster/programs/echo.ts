/**
 * A TCP service: answers each line with the same line. When the client has ended its side, it
 * answers what is left and ends its own.
 *
 *     echo.ts --host=ADDRESS --port=PORT [--health-port=PORT[,PORT]]
 *
 * It prints a line when it listens. SIGTERM closes the listener at once; it answers what it has
 * received, connections are ended when idle, and the exit code is 0. With `--health-port` it
 * answers HTTP requests there: 200, and 503 from SIGTERM or SIGUSR1 on (to fail a liveness probe).
 * It prints each POST that comes there.
 * It imports nothing, so that it starts quickly.
 */

const flags = new Map(Deno.args.map((arg) => {
  const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
  return [name, value];
}));
const hostname = flags.get("host") ?? "127.0.0.1";
const NEWLINE = 10;
/** How long a connection without a request may stay, as of Go's HTTP server. */
const NEW_CONNECTION_MS = 5_000;
/** A request sent just before SIGTERM has been read after so long. */
const IDLE_MS = 50;
/** How long the client may take to end its side when the service has ended its own. */
const FAREWELL_MS = 1_000;

interface Served {
  readonly connection: Deno.TcpConn;
  /** Whether a request has come. */
  begun: boolean;
  /** Whether a line is not answered yet. */
  busy: boolean;
  ended: boolean;
}

const served = new Set<Served>();
let stopping = false;
let alive = true;

Deno.addSignalListener("SIGUSR1", () => {
  alive = false;
});
for (const port of flags.get("health-port")?.split(",") ?? []) {
  Deno.serve({ hostname, port: Number(port), onListen: () => {} }, ({ method, url }) => {
    if (method === "POST") console.log(`POST ${new URL(url).pathname}`);
    return new Response(null, { status: alive && !stopping ? 200 : 503 });
  });
}
const listener = Deno.listen({ hostname, port: Number(flags.get("port") ?? "0") });
Deno.addSignalListener("SIGTERM", () => {
  stopping = true;
  listener.close();
  for (const one of served) endWhenIdle(one);
});
console.log(`listening on ${listener.addr.hostname}:${listener.addr.port}`);
const serving = new Set<Promise<void>>();
for await (const connection of listener) {
  const done = serve(connection);
  serving.add(done);
  done.finally(() => serving.delete(done));
}
await Promise.all(serving);
Deno.exit(0);

async function serve(connection: Deno.TcpConn): Promise<void> {
  const one: Served = { connection, begun: false, busy: false, ended: false };
  served.add(one);
  try {
    await answer(one);
  } catch {
    // The client has gone.
  } finally {
    if (served.delete(one)) connection.close();
  }
}

async function answer(one: Served): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (let count; (count = await one.connection.read(buffer)) !== null;) {
    // Requests after the service has ended its side get no answer.
    if (one.ended) continue;
    one.begun = true;
    one.busy = true;
    for (let place = 0; place < count;) {
      place += await one.connection.write(buffer.subarray(place, count));
    }
    one.busy = buffer[count - 1] !== NEWLINE;
    if (stopping && !one.busy) await end(one);
  }
}

/** Ends the side of the service before the client has ended its own. */
async function end(one: Served): Promise<void> {
  if (one.ended) return;
  one.ended = true;
  await one.connection.closeWrite();
  setTimeout(() => {
    if (served.delete(one)) one.connection.close();
  }, FAREWELL_MS);
}

async function endWhenIdle(one: Served): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, one.begun ? IDLE_MS : NEW_CONNECTION_MS));
  try {
    if (served.has(one) && !one.busy) await end(one);
  } catch {
    // The client has gone.
  }
}
