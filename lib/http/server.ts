/**
 * The HTTP service of a sidecar.
 *
 * It is `node:http` and not `Deno.serve`, which limits neither how long a client may take to send
 * its headers nor how many are connected: a few dozen slow ones would keep the kubelet's probes
 * out.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { abortable } from "@std/async/abortable";
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { type Clock, isTimeout } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { Guard, type GuardConfig } from "./guard.ts";
import { listenAt } from "./listen.ts";
import { type Reply, type Route, ROUTES, unavailable } from "./routes.ts";
import type { Stats } from "./stats.ts";
import type { View } from "../lifecycle/status.ts";

/** Where the service listens, and whom it trusts. */
export interface ServiceConfig extends GuardConfig {
  readonly listen: ListenAddress;
}

/** The ports of the service. */
export interface ServiceOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Called now and then between requests: a good moment to tidy up. */
  readonly rest?: () => void;
}

/** A running service; to dispose of it is to stop it. */
export interface Service extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
}

/** What a client may cost. */
export const LIMITS = {
  connections: 64,
  /** Who waits for a drain; the other connections are for probes. */
  drainClients: 56,
  headerBytes: 8_192,
  /** No endpoint reads a body. */
  bodyBytes: 4_096,
} as const;

/** For the request to arrive, and again for the answer, unless it waits for a drain. */
const REQUEST_TIME: Milliseconds = 5_000;
const CHECKING_INTERVAL: Milliseconds = 1_000;
/** Two probes every 5 s come to it in 40 minutes. */
const ANSWERS_UNTIL_REST = 1_000;
/** For answers under way when the service stops. */
const CLOSING_TIME: Milliseconds = 1_000;

/**
 * Starts to serve.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export async function serve(
  config: ServiceConfig,
  view: View,
  options: ServiceOptions,
): Promise<Service> {
  const service = new HttpService(config, view, options);
  await service.listen(config.listen);
  return service;
}

class HttpService implements Service {
  port = 0;
  readonly #server: Server;
  readonly #limit: ConnectionLimit;
  readonly #guard: Guard;
  readonly #view: View;
  readonly #options: ServiceOptions;
  #answers = 0;
  readonly #drainClients = new Set<IncomingMessage["socket"]>();

  constructor(config: ServiceConfig, view: View, options: ServiceOptions) {
    this.#guard = new Guard(config, options);
    this.#view = view;
    this.#options = options;
    this.#server = createServer({
      headersTimeout: REQUEST_TIME,
      requestTimeout: REQUEST_TIME,
      connectionsCheckingInterval: CHECKING_INTERVAL,
      maxHeaderSize: LIMITS.headerBytes,
    }, (request, response) => void this.#handle(request, response));
    this.#limit = new ConnectionLimit(this.#server, LIMITS.connections);
  }

  async listen(address: ListenAddress): Promise<void> {
    await this.#guard.check();
    this.port = await listenAt(this.#server, address);
    // The system may run out of something for a while: nothing to die of.
    this.#server.on("error", (error) => {
      this.#options.log.warn("the HTTP service has a fault and goes on", { error: String(error) });
    });
    this.#options.log.info("listening", {
      address: listenAddressText({ ...address, port: this.port }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await abortable(closed, this.#options.clock.within(CLOSING_TIME)).catch(() => {});
    this.#limit.closeAll();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    this.#limit.answering(socket);
    // What is left to do is the client's: to read.
    response.once("finish", () => this.#answered(socket));
    response.on("error", () => {});
    request.on("error", () => {});
    try {
      send(response, await this.#answer(request), request.method === "HEAD");
    } catch (error) {
      this.#options.log.error("a request could not be answered", { error: String(error) });
      send(response, { status: 500, text: "internal fault: see the sidecar's log" });
    }
  }

  #answered(socket: IncomingMessage["socket"]): void {
    this.#limit.answered(socket);
    if (++this.#answers % ANSWERS_UNTIL_REST === 0) this.#options.rest?.();
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const [path = ""] = (request.url ?? "").split("?");
    const route = ROUTES.get(path);
    if (route === undefined) return { status: 404, text: `nothing is here: ${known()}` };
    if (!route.methods.includes(request.method ?? "")) return wrongMethod(route);
    const came = await body(request);
    if (came !== "whole") return badBody(came);
    if (route.guarded && !await this.#isAdmitted(path, request)) {
      return { status: 403, text: "you may not call this: see -drain-allow and -drain-token-file" };
    }
    return route.waits ? await this.#wait(route, request) : await this.#answerInTime(route);
  }

  async #isAdmitted(path: string, { socket, headers }: IncomingMessage): Promise<boolean> {
    const client = { address: socket.remoteAddress, authorization: headers.authorization };
    const isAdmitted = await this.#guard.admits(path, client);
    if (!isAdmitted) this.#options.stats.onRefused();
    return isAdmitted;
  }

  /** Whoever goes away leaves the place to others; what was asked for goes on. */
  async #wait(route: Route, { socket }: IncomingMessage): Promise<Reply> {
    if (this.#drainClients.size >= LIMITS.drainClients) {
      return unavailable(`${LIMITS.drainClients} callers wait for this already`);
    }
    this.#drainClients.add(socket);
    const leave = () => this.#drainClients.delete(socket);
    socket.once("close", leave);
    try {
      return await route.answer(this.#sources());
    } finally {
      leave();
      socket.off("close", leave);
    }
  }

  async #answerInTime(route: Route): Promise<Reply> {
    const answer = route.answer(this.#sources());
    if (!(answer instanceof Promise)) return answer;
    try {
      return await abortable(answer, this.#options.clock.within(REQUEST_TIME));
    } catch (error) {
      if (isTimeout(error)) return unavailable("no answer in time");
      throw error;
    }
  }

  #sources() {
    return { view: this.#view, stats: this.#options.stats };
  }
}

/** Waits for the end of the body, if there is one. */
function body(request: IncomingMessage): Promise<"whole" | "large" | "broken"> {
  if (Number(request.headers["content-length"] ?? 0) > LIMITS.bodyBytes) {
    return Promise.resolve("large");
  }
  return new Promise((resolve) => {
    let bytes = 0;
    request.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > LIMITS.bodyBytes) resolve("large");
    });
    request.once("end", () => resolve("whole"));
    request.once("close", () => resolve("broken"));
  });
}

/** Half a request has no effect; whoever broke it off is not there to read this. */
function badBody(came: "large" | "broken"): Reply {
  return came === "broken" ? { status: 400, text: "the request has no end" } : {
    status: 413,
    text: `a body may have ${LIMITS.bodyBytes} bytes, and none is needed`,
  };
}

function wrongMethod({ methods }: Route): Reply {
  const allowed = methods.join(", ");
  return { status: 405, text: `use ${allowed}`, headers: { allow: allowed } };
}

function known(): string {
  return [...ROUTES.keys()].join(" ");
}

/** Each connection has one request: nothing is left open for nothing. */
function send(response: ServerResponse, reply: Reply, withoutBody = false): void {
  if (response.writableEnded || response.destroyed) return;
  const text = reply.text.endsWith("\n") ? reply.text : `${reply.text}\n`;
  response.writeHead(reply.status, {
    "content-type": reply.type ?? "text/plain; charset=utf-8",
    "content-length": new TextEncoder().encode(text).length,
    "cache-control": "no-store",
    connection: "close",
    ...reply.headers,
  });
  response.end(withoutBody ? undefined : text);
}
