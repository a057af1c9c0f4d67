/** One client's connection. */
import type { Milliseconds } from "../host/duration.ts";
import type { Reply } from "./routes.ts";
import { type HttpRequest, RefusedRequest, REQUEST_LIMITS, RequestReader } from "./request.ts";

/**
 * What happens on a connection: `receiving` a request; `answering` one that has arrived; `draining`
 * while an admitted `/drain` waits; `abandoned` while its client has closed its side, and may be
 * gone; `sending` the answer; `finishing` when the last one is sent, until the client has read it.
 */
export type Stage =
  | "receiving"
  | "answering"
  | "draining"
  | "abandoned"
  | "sending"
  | "finishing";

const encoder = new TextEncoder();

/** A connection, from its acceptance to its end. */
export class Connection {
  stage: Stage = "receiving";
  /** The server's turn in which the stage began. */
  turn = 0;
  /** When it has to be over. */
  deadline: Milliseconds = Infinity;
  /** How many requests were answered. */
  answers = 0;
  readonly #conn: Deno.TcpConn;
  readonly #reader = new RequestReader();
  readonly #buffer = new Uint8Array(2_048);
  readonly #expired = Promise.withResolvers<never>();
  #reading: Promise<void> | undefined;
  /** The client has closed its side. */
  #hasEnded = false;
  /** Nothing more is answered. */
  #isFinishing = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#expired.promise.catch(() => {});
  }

  /** The other end. */
  get address(): string {
    return this.#conn.remoteAddr.hostname;
  }

  /** Whether a part of a request has arrived. */
  get hasPart(): boolean {
    return this.stage === "receiving" && !this.#reader.isBetweenRequests;
  }

  /**
   * The next request; undefined: the client sends no more.
   * @throws {RefusedRequest} It is malformed, too large or late.
   */
  async next(): Promise<HttpRequest | undefined> {
    while (true) {
      const request = this.#reader.next();
      if (request !== undefined) return request;
      if (this.#hasEnded) {
        if (this.#reader.isBetweenRequests) return undefined;
        throw new RefusedRequest(400, "the request is incomplete");
      }
      await Promise.race([this.#read(), this.#expired.promise]);
    }
  }

  /** Waits until the client closes its side, which leaves the drain it waits for to others. */
  async watchDraining(): Promise<void> {
    while (!this.#hasEnded && this.#reader.waiting <= REQUEST_LIMITS.head) {
      await this.#read();
      if (this.stage !== "draining") return;
    }
    if (this.#hasEnded) this.stage = "abandoned";
  }

  /** Answers the request. `isLast`: the connection is to be closed. */
  async send(
    reply: Reply,
    { isLast, isHead }: { isLast: boolean; isHead: boolean },
  ): Promise<void> {
    let bytes = encoder.encode(textOf(reply, { isLast, isHead }));
    while (bytes.length > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
    this.answers++;
  }

  /** Lets the client read: bytes that arrive at a closed socket would discard the answer. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    await this.#conn.closeWrite();
    while (!this.#hasEnded) await this.#read();
  }

  /** The stage has taken too long. */
  expire(): void {
    if (this.hasPart) {
      this.#expired.reject(new RefusedRequest(408, "the request did not arrive in time"));
    } else {
      this.close();
    }
  }

  /** Ends all that is in progress. */
  close(): void {
    try {
      this.#conn.close();
    } catch {
      // It is closed.
    }
  }

  #read(): Promise<void> {
    return this.#reading ??= this.#readOnce().finally(() => this.#reading = undefined);
  }

  async #readOnce(): Promise<void> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) this.#hasEnded = true;
    else if (!this.#isFinishing) this.#reader.add(this.#buffer.subarray(0, count));
  }
}

const PHRASES: Readonly<Record<number, string>> = {
  200: "OK",
  202: "Accepted",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

function textOf(reply: Reply, { isLast, isHead }: { isLast: boolean; isHead: boolean }): string {
  const body = reply.text.endsWith("\n") ? reply.text : `${reply.text}\n`;
  const headers = {
    "content-type": reply.type ?? "text/plain; charset=utf-8",
    "content-length": encoder.encode(body).length,
    "cache-control": "no-store",
    date: new Date().toUTCString(),
    ...(isLast && { connection: "close" }),
    ...reply.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const status = `HTTP/1.1 ${reply.status} ${PHRASES[reply.status] ?? ""}\r\n`;
  return `${status}${lines}\r\n${isHead ? "" : body}`;
}
