/**
 * Clients that keep an HTTP server from its work as well as clients can, in a process of their own:
 * they must not slow the probes that a test sends beside them.
 */

/** The argument, as JSON. */
export interface Attack {
  /** Of the server, which listens on all addresses. */
  readonly port: number;
  /** Connections of each kind. */
  readonly each: number;
  /** How long it takes, in milliseconds. */
  readonly time: number;
}

const HOST = "Host: localhost\r\n";
const PIPELINE = `GET /status HTTP/1.1\r\n${HOST}\r\n`.repeat(200);

/** What each kind sends: at once, and then every `PAUSE`. */
const KINDS: Readonly<Record<string, readonly [string, string]>> = {
  "silent": ["", ""],
  "slow header": ["GET /livez HTTP/1.1\r\nX: ", "a"],
  "slow body": [`POST /drain HTTP/1.1\r\n${HOST}Content-Length: 4000\r\n\r\n`, "a"],
  "chunked": [`POST /drain HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"],
  "Expect": [
    `POST /drain HTTP/1.1\r\n${HOST}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
    "",
  ],
  "pipelined, unread": [PIPELINE, PIPELINE],
};

/** Between what one connection sends, and between the connections of one kind in milliseconds. */
const PAUSE = 250;
/** A connection that is not closed gives up then, in milliseconds. */
const PATIENCE = 2_000;

const encoder = new TextEncoder();

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** One connection; each kind connects to an address of its own, for there to be enough ports. */
async function connect(kind: number, port: number): Promise<void> {
  const [first, then] = Object.values(KINDS)[kind] ?? ["", ""];
  try {
    using connection = await Deno.connect({ hostname: `127.0.0.${kind + 1}`, port });
    await send(connection, first);
    for (let time = 0; time < PATIENCE; time += PAUSE) {
      await pause(PAUSE);
      await send(connection, then);
    }
  } catch {
    // It was closed, which is the server's right.
  }
}

/** A write that the server does not read is not waited for. */
async function send(connection: Deno.Conn, text: string): Promise<void> {
  if (text !== "") await Promise.race([connection.write(encoder.encode(text)), pause(PAUSE)]);
}

async function attack({ port, each, time }: Attack): Promise<number> {
  const kinds = Object.keys(KINDS);
  const began = performance.now();
  const connections: Promise<void>[] = [];
  for (let count = 0; count < each; count++) {
    // After the machine was busy they catch up, but not all in one moment.
    const wait = began + time * count / each - performance.now();
    await pause(Math.max(wait, time / each / 2));
    kinds.forEach((_, kind) => connections.push(connect(kind, port)));
  }
  await Promise.all(connections);
  return connections.length;
}

if (import.meta.main) console.log(await attack(JSON.parse(Deno.args[0] ?? "{}")));
