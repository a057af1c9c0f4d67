/** One client's connection: reads its requests, one after the other, and sends the answers. */
import type { Clock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { type HttpRequest, RefusedRequest, REQUEST_LIMITS, RequestReader } from "./request.ts";
import type { Reply } from "./routes.ts";

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

/** For a request to arrive, and for its answer to be sent. */
const REQUEST_TIME: Milliseconds = 5_000;
/** For the client to read its last answer. */
const FINISHING_TIME: Milliseconds = 1_000;
/** How many requests one connection may send. */
const MOST_REQUESTS = 8;

const encoder = new TextEncoder();

/** A connection, from its acceptance to its end. */
export class Connection {
  #stage: Stage = "receiving";
  /** When the stage has to be over. */
  deadline: Milliseconds = Infinity;
  /** How often the event loop has gone round since the stage began, while connections were many. */
  turns = 0;
  #requests = 0;
  /** The client has closed its side. */
  #hasEnded = false;
  #reading: Promise<void> | undefined;
  readonly #conn: Deno.TcpConn;
  readonly #clock: Clock;
  readonly #reader = new RequestReader();
  readonly #buffer = new Uint8Array(2_048);
  readonly #expired = Promise.withResolvers<never>();

  constructor(conn: Deno.TcpConn, clock: Clock) {
    this.#conn = conn;
    this.#clock = clock;
    this.#expired.promise.catch(() => {});
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** The other end's IP address. */
  get address(): string {
    return this.#conn.remoteAddr.hostname;
  }

  /** Whether a part of a request has arrived. */
  get hasPart(): boolean {
    return this.#stage === "receiving" && !this.#reader.isBetweenRequests;
  }

  /**
   * Answers requests until the last one. Rejects when the client goes away, or the connection is
   * closed for another reason.
   */
  async serve(
    answer: (request: HttpRequest) => Promise<Reply>,
    stopped: AbortSignal,
  ): Promise<void> {
    let isLast = false;
    while (!isLast) {
      try {
        this.#enter("receiving", REQUEST_TIME);
        const request = await this.#next();
        if (request === undefined) break;
        this.#enter("answering", Infinity);
        const reply = await answer(request);
        isLast = !request.keepsAlive || ++this.#requests >= MOST_REQUESTS || stopped.aborted;
        await this.#send(reply, isLast, request.method === "HEAD");
      } catch (error) {
        if (!(error instanceof RefusedRequest)) throw error;
        isLast = true;
        await this.#send({ status: error.status, text: error.message }, isLast);
      }
    }
    if (!stopped.aborted) await this.#finish();
  }

  /**
   * An admitted drain waits. A client that closes its side keeps its answer, but not its place.
   * Rejects when the client is gone.
   */
  async drain(): Promise<void> {
    this.#enter("draining", Infinity);
    while (!this.#hasEnded && this.#reader.waiting <= REQUEST_LIMITS.head) {
      await this.#read();
      if (this.#stage !== "draining") return;
    }
    if (this.#hasEnded) this.#stage = "abandoned";
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

  #enter(stage: Stage, time: Milliseconds): void {
    this.#stage = stage;
    this.turns = 0;
    this.deadline = this.#clock.now() + time;
  }

  /** The next request; undefined: the client sends no more. @throws {RefusedRequest} */
  async #next(): Promise<HttpRequest | undefined> {
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

  async #send(reply: Reply, isLast: boolean, isHead = false): Promise<void> {
    this.#enter("sending", REQUEST_TIME);
    let bytes = encoder.encode(textOf(reply, isLast, isHead));
    while (bytes.length > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
  }

  /** Lets the client read: bytes that arrive at a closed socket would discard the answer. */
  async #finish(): Promise<void> {
    this.#enter("finishing", FINISHING_TIME);
    await this.#conn.closeWrite();
    // A drain may have begun to read ahead.
    await this.#reading;
    while (!this.#hasEnded) this.#hasEnded = await this.#conn.read(this.#buffer) === null;
  }

  #read(): Promise<void> {
    return this.#reading ??= this.#readOnce().finally(() => this.#reading = undefined);
  }

  async #readOnce(): Promise<void> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) this.#hasEnded = true;
    else this.#reader.add(this.#buffer.subarray(0, count));
  }
}

function textOf(reply: Reply, isLast: boolean, isHead: boolean): string {
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
  const phrase = reply.status < 400 ? "OK" : "Error";
  return `HTTP/1.1 ${reply.status} ${phrase}\r\n${lines}\r\n${isHead ? "" : body}`;
}
