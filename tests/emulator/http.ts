/** The HTTP side: requests read whole, connections numbered, and all the ways to end a call. */
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
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

/** One request, and the means to end it; they do nothing once the client has gone. */
export interface Exchange {
  readonly request: HttpRequest;
  /** The number of its connection: from 1, in the order in which they are asked for here. */
  readonly connection: number;
  /** Ends when the client closes the connection before the reply. */
  readonly gone: AbortSignal;
  /** Whether the whole reply was sent. */
  reply(reply: Reply, options: { date: Date; afterwards?: Afterwards }): Promise<boolean>;
  /** Sends the reply's head and half of its body, and closes the connection. */
  cut(reply: Reply): void;
  /**
   * Sends the reply's head and half of its body, then blanks: so many bytes, or until the client
   * goes. Whether all were sent.
   */
  flood(reply: Reply, bytes: number): Promise<boolean>;
  /** Answers neither this request nor a later one on its connection. */
  silence(): void;
  /** Resets the TCP connection. */
  reset(): void;
}

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
    const number = () => connection.number ??= ++count;
    const silence = () => connection.silent = true;
    await handle(exchange(requestOf(req, body), { number, silence }, res));
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
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of req) {
      if (!(chunk instanceof Uint8Array)) return undefined;
      size += chunk.length;
      if (size > LARGEST_BODY) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).text();
}

function requestOf(req: IncomingMessage, body: string): HttpRequest {
  const url = new URL(req.url ?? "/", "http://localhost");
  const headers = Object.entries(req.headers).map(([name, value]) =>
    [name, Array.isArray(value) ? value.join(",") : value] as const
  );
  return {
    method: req.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers),
    body,
  };
}

function exchange(
  request: HttpRequest,
  { number, silence }: { readonly number: () => number; readonly silence: () => void },
  res: ServerResponse,
): Exchange {
  const gone = new AbortController();
  const { promise: closed, resolve } = Promise.withResolvers<boolean>();
  res.once("close", () => {
    if (!res.writableFinished) gone.abort();
    resolve(res.writableFinished);
  });
  const socket = res.socket;
  const head = (reply: Reply) => {
    res.statusCode = reply.status;
    for (const [name, value] of Object.entries(reply.headers)) res.setHeader(name, value);
  };
  const sized = (reply: Reply) => {
    head(reply);
    res.setHeader("content-length", Buffer.byteLength(reply.body));
  };
  return {
    request,
    get connection() {
      return number();
    },
    gone: gone.signal,
    reply: async (reply, { date, afterwards = "keep" }) => {
      if (gone.signal.aborted) return false;
      sized(reply);
      res.setHeader("date", date.toUTCString());
      if (afterwards === "close") res.setHeader("connection", "close");
      res.end(reply.body);
      const sent = await closed;
      if (afterwards === "drop") socket?.destroy();
      return sent;
    },
    cut: (reply) => {
      if (gone.signal.aborted) return;
      sized(reply);
      // Not ending the response, but the socket: what was written is sent, and nothing more.
      res.write(reply.body.slice(0, reply.body.length / 2), () => socket?.destroy());
    },
    flood: async (reply, bytes) => {
      if (gone.signal.aborted) return false;
      head(reply);
      res.write(reply.body.slice(0, reply.body.length / 2));
      const blanks = new Uint8Array(2 ** 16).fill(0x20);
      for (let sent = 0; sent < bytes && !gone.signal.aborted; sent += blanks.length) {
        if (res.write(blanks)) continue;
        const drained = Promise.withResolvers<void>();
        res.once("drain", drained.resolve);
        await Promise.race([drained.promise, closed]);
      }
      socket?.destroy();
      return !gone.signal.aborted;
    },
    silence,
    reset: () => {
      socket?.resetAndDestroy();
    },
  };
}
