/**
 * The sidecar's HTTP server.
 *
 * It is our own: `Deno.serve` limits neither how long a client may take to send its headers nor how
 * many are connected, so that a few dozen slow ones would keep the kubelet's probes out; `node:http`
 * takes 8 MB more, and a connection is busy for it before the request has arrived.
 */
import { abortable } from "@std/async/abortable";
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { isTimeout } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Ports } from "../lifecycle/ports.ts";
import { Acceptor, listenAt, type Listener } from "./acceptor.ts";
import type { Connection } from "./connection.ts";
import { Guard, type GuardConfig } from "./guard.ts";
import type { HttpRequest } from "./request.ts";
import { type Reply, type Route, ROUTES, type Sources, unavailable } from "./routes.ts";

/** Where the server listens, and whom it trusts. */
export interface ServerConfig extends GuardConfig {
  readonly listen: ListenAddress;
}

/** What the server needs. `onIdle` is called now and then, between requests. */
export type ServerPorts = Sources & Pick<Ports, "log" | "clock" | "onIdle">;

/** So many clients may wait for a drain; the other connections are for probes. */
const MOST_DRAIN_CLIENTS = 56;
/** For an answer, unless it waits for a drain. */
const ANSWER_TIME: Milliseconds = 5_000;
const PATHS = [...ROUTES.keys()].join(" ");
/** Two probes every 5 s come to it in 40 minutes. */
const CLIENTS_UNTIL_IDLE = 1_000;

/**
 * Starts to serve.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export async function serve(config: ServerConfig, ports: ServerPorts): Promise<HttpServer> {
  const guard = new Guard(config, ports);
  await guard.check();
  const listener = listenAt(config.listen);
  const { port } = listener.addr;
  ports.log.info("listening", { address: listenAddressText({ ...config.listen, port }) });
  return new HttpServer(listener, guard, ports);
}

/** A running server; to dispose of it is to stop it. */
export class HttpServer implements AsyncDisposable {
  readonly port: number;
  readonly #acceptor: Acceptor;
  readonly #guard: Guard;
  readonly #ports: ServerPorts;
  #clients = 0;

  constructor(listener: Listener, guard: Guard, ports: ServerPorts) {
    this.port = listener.addr.port;
    this.#guard = guard;
    this.#ports = ports;
    this.#acceptor = new Acceptor(listener, {
      ...ports,
      serve: (connection, stopped) =>
        connection.serve((request) => this.#answer(request, connection), stopped)
          .finally(() => this.#served()),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  /** A client has its answers: nobody waits while the sidecar tidies up. */
  #served(): void {
    if (++this.#clients % CLIENTS_UNTIL_IDLE === 0) this.#ports.onIdle?.();
  }

  async #answer(request: HttpRequest, connection: Connection): Promise<Reply> {
    const [path = ""] = request.target.split("?");
    const route = ROUTES.get(path);
    if (route === undefined) return { status: 404, text: `not found; there are ${PATHS}` };
    if (!route.methods.includes(request.method)) return wrongMethod(route);
    try {
      if (!route.guarded) await this.#foresee(request, connection);
      return (route.guarded && await this.#refused(path, request, connection)) ||
        await this.#answerBy(route, connection);
    } catch (error) {
      this.#ports.log.error("failed to answer a request", { error: String(error) });
      return { status: 500, text: "internal error: see the sidecar's log" };
    }
  }

  async #foresee({ headers }: HttpRequest, { address }: Connection): Promise<void> {
    if (await this.#guard.foresee({ address, headers })) this.#ports.stats.onHookForeseen();
  }

  async #refused(
    path: string,
    { headers }: HttpRequest,
    { address }: Connection,
  ): Promise<Reply | undefined> {
    const refusal = await this.#guard.refusal(path, { address, headers });
    if (refusal === undefined) return undefined;
    this.#ports.stats.onRefused(refusal);
    return { status: 403, text: `refused: ${refusal.text}` };
  }

  async #answerBy(route: Route, connection: Connection): Promise<Reply> {
    if (route.waits) return await this.#answerDrain(route, connection);
    const answer = route.answer(this.#ports);
    if (!(answer instanceof Promise)) return answer;
    try {
      return await abortable(answer, this.#ports.clock.within(ANSWER_TIME));
    } catch (error) {
      if (isTimeout(error)) return unavailable("no answer within 5 s");
      throw error;
    }
  }

  /** A client that goes away leaves its place to others; what it requested continues. */
  async #answerDrain(route: Route, connection: Connection): Promise<Reply> {
    if (this.#acceptor.count("draining") >= MOST_DRAIN_CLIENTS) {
      return unavailable(`${MOST_DRAIN_CLIENTS} clients wait for the drain already`);
    }
    connection.drain().catch(() => this.#acceptor.drop(connection));
    return await route.answer(this.#ports);
  }
}

function wrongMethod({ methods }: Route): Reply {
  const allowed = methods.join(", ");
  return { status: 405, text: `method not allowed: use ${allowed}`, headers: { allow: allowed } };
}
