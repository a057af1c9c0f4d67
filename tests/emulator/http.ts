/** The HTTP side: requests read whole, connections numbered, and all the ways to end a call. */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Reply } from "./replies.ts";
import { portOf, startListening } from "./sockets.ts";

/** A request, read to its end. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What becomes of the connection once the reply is sent. */
export type Afterwards =
  | "keep"
  /** The reply says `Connection: close`. */
  | "close"
  /** It is closed without a word, as a server does with idle connections. */
  | "drop";

/** The HTTP server. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Closes all connections on which no request is being answered. */
  closeIdleConnections(): void;
  /** Answers no more requests on the connections that are open now; new ones work. */
  silenceConnections(): void;
}

interface Connection {
  number?: number;
  /** Whether a request is being answered. */
  busy: boolean;
  silent: boolean;
}

/** The largest body read, in bytes: no request of this API is near it. */
const LARGEST_BODY = 1024 * 1024;

/** Listens on the loopback address; `handle` is called with each request and must not throw. */
export async function listen(
  port: number,
  handle: (exchange: Exchange) => Promise<void>,
): Promise<HttpServer> {
  const connections = new Map<Socket, Connection>();
  let count = 0;
  const server = createServer(async (req, res) => {
    const connection = connections.get(req.socket);
    const body = await read(req);
    if (connection === undefined || body === undefined) return void req.socket.destroy();
    if (connection.silent) return;
    connection.busy = true;
    res.once("close", () => connection.busy = false);
    await handle(
      new Exchange(requestOf(req, body), res, {
        number: () => connection.number ??= ++count,
        silence: () => connection.silent = true,
      }),
    );
  });
  // Clients decide how long they keep a connection, and faults when the server does not.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    connections.set(socket, { busy: false, silent: false });
    socket.once("close", () => connections.delete(socket));
  });
  await startListening(server, port);
  return {
    port: portOf(server),
    closeIdleConnections: () => {
      for (const [socket, { busy }] of connections) if (!busy) socket.destroy();
    },
    silenceConnections: () => {
      for (const connection of connections.values()) connection.silent = true;
    },
    [Symbol.asyncDispose]: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of connections.keys()) socket.destroy();
      return promise;
    },
  };
}

/** The body of the request; undefined if it never came whole. */
async function read(req: IncomingMessage): Promise<string | undefined> {
  let body = "";
  try {
    for await (const chunk of req.setEncoding("utf8")) {
      body += String(chunk);
      if (body.length > LARGEST_BODY) return undefined;
    }
  } catch {
    return undefined;
  }
  return body;
}

function requestOf(req: IncomingMessage, body: string): HttpRequest {
  const { pathname: path, searchParams: query } = new URL(req.url ?? "/", "http://localhost");
  const headers = Object.entries(req.headers).map(([name, value]) =>
    [name, Array.isArray(value) ? value.join(",") : value] as const
  );
  return { method: req.method ?? "", path, query, headers: Object.fromEntries(headers), body };
}

/** One request, and the means to end it; they do nothing once the client has gone. */
export class Exchange {
  readonly request: HttpRequest;
  readonly #res: ServerResponse;
  readonly #connection: { readonly number: () => number; readonly silence: () => void };
  readonly #gone = new AbortController();
  readonly #closed = Promise.withResolvers<void>();

  constructor(
    request: HttpRequest,
    res: ServerResponse,
    connection: { readonly number: () => number; readonly silence: () => void },
  ) {
    this.request = request;
    this.#res = res;
    this.#connection = connection;
    res.once("close", () => {
      if (!res.writableFinished) this.#gone.abort();
      this.#closed.resolve();
    });
  }

  /** The number of its connection: from 1, in the order in which they are read here. */
  get connection(): number {
    return this.#connection.number();
  }

  /** Ends when the client closes the connection before the reply. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether the whole reply was sent. */
  async reply(
    reply: Reply,
    { date, afterwards = "keep" }: { date: Date; afterwards?: Afterwards },
  ): Promise<boolean> {
    if (this.gone.aborted) return false;
    const { socket } = this.#res;
    this.#head(reply, Buffer.byteLength(reply.body));
    this.#res.setHeader("date", date.toUTCString());
    if (afterwards === "close") this.#res.setHeader("connection", "close");
    this.#res.end(reply.body);
    await this.#closed.promise;
    if (afterwards === "drop") socket?.destroy();
    return this.#res.writableFinished;
  }

  /** Sends the reply's head and half of its body, and closes the connection. */
  cut(reply: Reply): void {
    if (this.gone.aborted) return;
    const { socket } = this.#res;
    this.#head(reply, Buffer.byteLength(reply.body));
    // Not ending the response, but the socket: what was written is sent, and nothing more.
    this.#res.write(reply.body.slice(0, reply.body.length / 2), () => socket?.destroy());
  }

  /**
   * Sends the reply's head and half of its body, then blanks: so many bytes, or until the client
   * goes. Whether all were sent.
   */
  async flood(reply: Reply, bytes: number): Promise<boolean> {
    const { socket } = this.#res;
    this.#head(reply);
    this.#res.write(reply.body.slice(0, reply.body.length / 2));
    const blanks = new Uint8Array(2 ** 16).fill(0x20);
    for (let sent = 0; sent < bytes && !this.gone.aborted; sent += blanks.length) {
      if (this.#res.write(blanks)) continue;
      const drained = Promise.withResolvers<void>();
      this.#res.once("drain", drained.resolve);
      await Promise.race([drained.promise, this.#closed.promise]);
    }
    const isWhole = !this.gone.aborted;
    socket?.destroy();
    return isWhole;
  }

  /** Answers neither this request nor a later one on its connection. */
  silence(): void {
    this.#connection.silence();
  }

  /** Resets the TCP connection. */
  reset(): void {
    this.#res.socket?.resetAndDestroy();
  }

  #head({ status, headers }: Reply, length?: number): void {
    this.#res.statusCode = status;
    for (const [name, value] of Object.entries(headers)) this.#res.setHeader(name, value);
    if (length !== undefined) this.#res.setHeader("content-length", length);
  }
}
