/**
 * The HTTP service of a sidecar.
 *
 * It is our own small server: `Deno.serve` limits neither how long a client may take to send its
 * headers nor how many are connected, so that a few dozen slow ones would keep the kubelet's probes
 * out; `node:http` takes 6 MB more and counts a connection as busy before its request has arrived.
 */
import { abortable } from "@std/async/abortable";
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import type { View } from "../lifecycle/status.ts";
import { Connection } from "./connection.ts";
import { Guard, type GuardConfig } from "./guard.ts";
import { listenAt } from "./listen.ts";
import { type HttpRequest, RefusedRequest } from "./request.ts";
import { type Reply, type Route, ROUTES, unavailable } from "./routes.ts";
import type { Stats } from "./stats.ts";

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

/** What clients may cost. */
export const LIMITS = {
  connections: 64,
  /** Clients that wait for a drain; the other connections are for probes. */
  drainClients: 56,
  /** On one connection. */
  requests: 8,
} as const;

/** For a request to arrive, for its answer unless it waits for a drain, and for it to be sent. */
const REQUEST_TIME: Milliseconds = 5_000;
/** For the client to read its last answer, and for answers in progress when the service stops. */
const CLOSING_TIME: Milliseconds = 1_000;
/** However many connect, each has so many turns of such a time until its request must arrive. */
const TURNS = 5;
const TURN: Milliseconds = 10;
/** After the system could not accept a connection. */
const ACCEPT_PAUSE: Milliseconds = 100;
/** For how long the next such warning is left out. */
const WARNING_PAUSE: Milliseconds = 60_000;
/** Two probes every 5 s come to it in 40 minutes. */
const ANSWERS_UNTIL_REST = 1_000;

/**
 * Starts to serve.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export async function serve(
  config: ServiceConfig,
  view: View,
  options: ServiceOptions,
): Promise<Service> {
  const guard = new Guard(config, options);
  await guard.check();
  const listener = listenAt(config.listen);
  const { port } = listener.addr;
  options.log.info("listening", { address: listenAddressText({ ...config.listen, port }) });
  return new HttpService(listener, guard, { ...options, view });
}

/** What the service needs of a listener. */
export type Acceptor = Pick<Deno.TcpListener, "accept" | "addr" | "close">;

/** A service on a listener. */
export class HttpService implements Service {
  readonly #listener: Acceptor;
  readonly #guard: Guard;
  readonly #options: ServiceOptions & { readonly view: View };
  /** Who was accepted or answered first comes first. */
  readonly #open = new Set<Connection>();
  readonly #stopped = new AbortController();
  readonly #allClosed = Promise.withResolvers<void>();
  /** How many turns there were. */
  #turn = 0;
  #isWatching = false;
  #answers = 0;

  constructor(
    listener: Acceptor,
    guard: Guard,
    options: ServiceOptions & { readonly view: View },
  ) {
    this.#listener = listener;
    this.#guard = guard;
    this.#options = options;
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#listener.close();
    for (const connection of this.#open) {
      if (["receiving", "finishing"].includes(connection.stage)) connection.close();
    }
    if (this.#open.size > 0) {
      await abortable(this.#allClosed.promise, this.#options.clock.within(CLOSING_TIME))
        .catch(() => {});
    }
    for (const connection of this.#open) connection.close();
  }

  async #accept(): Promise<void> {
    const { clock, log } = this.#options;
    let warnAgainAt = -Infinity;
    while (!this.#stopped.signal.aborted) {
      try {
        const connection = new Connection(await this.#listener.accept());
        await this.#makeRoom();
        this.#add(connection);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        // The system may lack something for a while, such as file descriptors.
        this.#victim()?.close();
        if (clock.now() >= warnAgainAt) {
          warnAgainAt = clock.now() + WARNING_PAUSE;
          log.warn("the HTTP service cannot accept connections; it retries", {
            error: String(error),
          });
        }
        await sleep(clock.within(ACCEPT_PAUSE, this.#stopped.signal));
      }
    }
  }

  #add(connection: Connection): void {
    this.#open.add(connection);
    void this.#serve(connection);
    if (!this.#isWatching) void this.#watchDeadlines();
  }

  /** Closes connections until one more fits. */
  async #makeRoom(): Promise<void> {
    const { clock } = this.#options;
    while (this.#open.size >= LIMITS.connections && !this.#stopped.signal.aborted) {
      const victim = this.#victim();
      if (victim !== undefined) {
        this.#open.delete(victim);
        victim.close();
      } else {
        // What has arrived on the connections is read meanwhile.
        await sleep(clock.within(TURN, this.#stopped.signal));
        this.#turn++;
      }
    }
  }

  /**
   * The oldest connection that was answered, or has sent a part of a request; or else, of those that
   * had their turns, the oldest one without an answer in progress; or else with one that is no
   * drain's.
   */
  #victim(): Connection | undefined {
    const connections = [...this.#open].filter(({ stage }) => stage !== "draining");
    const hadTurns = connections.filter(({ turn }) => turn + TURNS <= this.#turn);
    return connections.find(({ hasPart, stage }) => hasPart || stage === "finishing") ??
      hadTurns.find(({ stage }) => stage !== "answering") ?? hadTurns[0];
  }

  /** One timer for all connections: those who come and go leave none behind. */
  async #watchDeadlines(): Promise<void> {
    const { clock } = this.#options;
    this.#isWatching = true;
    while (this.#open.size > 0 && !this.#stopped.signal.aborted) {
      const first = Math.min(...[...this.#open].map(({ deadline }) => deadline));
      const pause = Math.min(REQUEST_TIME, first - clock.now());
      await sleep(clock.within(pause, this.#stopped.signal));
      for (const connection of this.#open) {
        if (connection.deadline <= clock.now()) connection.expire();
      }
    }
    this.#isWatching = false;
  }

  async #serve(connection: Connection): Promise<void> {
    try {
      while (await this.#exchange(connection));
      this.#enter(connection, "finishing", CLOSING_TIME);
      if (!this.#stopped.signal.aborted) await connection.finish();
    } catch {
      // The client has gone away, was too slow, or had to go for others.
    } finally {
      connection.close();
      this.#open.delete(connection);
      if (this.#open.size === 0 && this.#stopped.signal.aborted) this.#allClosed.resolve();
    }
  }

  /** Answers one request. Whether another one may follow. */
  async #exchange(connection: Connection): Promise<boolean> {
    this.#enter(connection, "receiving", REQUEST_TIME);
    try {
      const request = await connection.next();
      if (request === undefined) return false;
      this.#enter(connection, "answering", Infinity);
      const reply = await this.#answer(request, connection);
      const isLast = !request.keepsAlive || this.#stopped.signal.aborted ||
        connection.answers + 1 >= LIMITS.requests;
      this.#enter(connection, "sending", REQUEST_TIME);
      await connection.send(reply, { isLast, isHead: request.method === "HEAD" });
      if (++this.#answers % ANSWERS_UNTIL_REST === 0) this.#options.rest?.();
      return !isLast;
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      this.#enter(connection, "sending", REQUEST_TIME);
      const reply = { status: error.status, text: error.message };
      await connection.send(reply, { isLast: true, isHead: false });
      return false;
    }
  }

  #enter(connection: Connection, stage: Connection["stage"], time: Milliseconds): void {
    connection.stage = stage;
    connection.turn = this.#turn;
    connection.deadline = this.#options.clock.now() + time;
    // Whoever has just sent a whole request is the last to be evicted.
    if (stage === "answering" && this.#open.delete(connection)) this.#open.add(connection);
  }

  async #answer(request: HttpRequest, connection: Connection): Promise<Reply> {
    const { log, view, stats } = this.#options;
    const [path = ""] = request.target.split("?");
    const route = ROUTES.get(path);
    if (route === undefined) return { status: 404, text: `not found; there are ${known()}` };
    if (!route.methods.includes(request.method)) return wrongMethod(route);
    try {
      const refused = route.guarded && await this.#refused(path, request, connection);
      if (refused) return refused;
      const answer = () => route.answer({ view, stats });
      return route.waits
        ? await this.#wait(answer, connection)
        : await this.#answerInTime(answer());
    } catch (error) {
      log.error("a request could not be answered", { error: String(error) });
      return { status: 500, text: "internal error: see the sidecar's log" };
    }
  }

  async #refused(
    path: string,
    { headers }: HttpRequest,
    { address }: Connection,
  ): Promise<Reply | undefined> {
    const refusal = await this.#guard.refusal(path, { address, headers });
    if (refusal === undefined) return undefined;
    this.#options.stats.onRefused(refusal);
    return { status: 403, text: `refused: ${refusal.text}` };
  }

  /** A client that goes away leaves its place to others; what it requested continues. */
  async #wait(answer: () => Reply | Promise<Reply>, connection: Connection): Promise<Reply> {
    const waiting = [...this.#open].filter(({ stage }) => stage === "draining").length;
    if (waiting >= LIMITS.drainClients) {
      return unavailable(`${LIMITS.drainClients} clients wait for the drain already`);
    }
    connection.stage = "draining";
    connection.watchDraining().catch(() => connection.close());
    return await answer();
  }

  async #answerInTime(answer: Reply | Promise<Reply>): Promise<Reply> {
    if (!(answer instanceof Promise)) return answer;
    try {
      return await abortable(answer, this.#options.clock.within(REQUEST_TIME));
    } catch (error) {
      if (isTimeout(error)) return unavailable("no answer within 5 s");
      throw error;
    }
  }
}

function wrongMethod({ methods }: Route): Reply {
  const allowed = methods.join(", ");
  return { status: 405, text: `method not allowed: use ${allowed}`, headers: { allow: allowed } };
}

function known(): string {
  return [...ROUTES.keys()].join(" ");
}
