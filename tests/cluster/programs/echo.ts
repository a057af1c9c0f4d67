/**
 * A TCP service: answers each line with the same line, after a while if so asked. When the client
 * has ended its side, it answers what is left and ends its own.
 *
 *     echo.ts [--host ADDRESS] [--port PORT] [--delay MS] [--listen-after MS]
 *             [--health-port PORT] [--on-sigterm finish|die]
 *
 * It prints a line when it listens. `finish`, the default: SIGTERM closes the listener at once,
 * what was asked is answered, connections are ended when idle, and the exit code is 0. `die`:
 * SIGTERM ends the process as it does one without a handler. With `--health-port` it answers
 * HTTP requests there: 200, and 503 from SIGTERM on or from SIGUSR1 on (to fail a liveness probe).
 *
 * It imports nothing, so that it starts quickly.
 */

const options = readOptions(Deno.args);
const { host: hostname } = options;
const delay = Number(options.delay);
const NEWLINE = 10;
/** How long a connection on which nothing was asked yet may stay, as of Go's HTTP server. */
const NEW_CONNECTION = 5_000;
/** What was asked just before SIGTERM has been read after so long. */
const IDLE = 50;
/** How long the client may take to end its side when the service has ended its own. */
const FAREWELL = 1_000;

interface Served {
  readonly connection: Deno.TcpConn;
  /** Whether anything was asked yet. */
  begun: boolean;
  /** Whether a line is not answered yet. */
  busy: boolean;
  ended: boolean;
}

const served = new Set<Served>();
let listening = false;
let stopping = false;
let alive = true;

if (options["on-sigterm"] === "finish") {
  Deno.addSignalListener("SIGTERM", () => {
    stopping = true;
    if (!listening) Deno.exit(0);
  });
}
Deno.addSignalListener("SIGUSR1", () => {
  alive = false;
});

if (options["health-port"] !== "0") {
  Deno.serve(
    { hostname, port: Number(options["health-port"]), onListen: () => {} },
    () => new Response(null, { status: alive && !stopping ? 200 : 503 }),
  );
}
await sleep(Number(options["listen-after"]));
await listen();
Deno.exit(0);

async function listen(): Promise<void> {
  const listener = Deno.listen({ hostname, port: Number(options.port) });
  const stop = () => {
    listener.close();
    for (const one of served) leave(one);
  };
  if (options["on-sigterm"] === "finish") Deno.addSignalListener("SIGTERM", stop);
  listening = true;
  console.log(`listening on ${listener.addr.hostname}:${listener.addr.port}`);
  const serving = new Set<Promise<void>>();
  try {
    for await (const connection of listener) {
      const done = serve(connection);
      serving.add(done);
      done.finally(() => serving.delete(done));
    }
  } finally {
    await Promise.all(serving);
  }
}

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
    // What is asked after the service has ended its side is not answered.
    if (one.ended) continue;
    one.begun = true;
    one.busy = true;
    if (delay > 0) await sleep(delay);
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
  }, FAREWELL);
}

/** Ends a connection if it is idle, when that can be told. */
async function leave(one: Served): Promise<void> {
  await sleep(one.begun ? IDLE : NEW_CONNECTION);
  try {
    if (served.has(one) && !one.busy) await end(one);
  } catch {
    // The client has gone.
  }
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

function readOptions(args: readonly string[]) {
  const read = {
    ...{ "host": "127.0.0.1", "port": "8080", "delay": "0", "listen-after": "0" },
    ...{ "health-port": "0", "on-sigterm": "finish" },
  };
  const words = args.flatMap((arg) => arg.startsWith("--") ? arg.split(/=(.*)/s, 2) : [arg]);
  for (let place = 0; place < words.length; place += 2) {
    const name = words[place]?.replace(/^--/, "") ?? "";
    const value = words[place + 1];
    if (!Object.hasOwn(read, name) || value === undefined) refuse(`${words[place]} ${value ?? ""}`);
    Object.assign(read, { [name]: value });
  }
  if (!["finish", "die"].includes(read["on-sigterm"])) {
    refuse(`--on-sigterm ${read["on-sigterm"]}: it is finish or die`);
  }
  return read;
}

function refuse(what: string): never {
  console.error(`echo: cannot use ${what}`);
  Deno.exit(2);
}
