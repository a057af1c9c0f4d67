/** Accepts connections: a bounded number at once, each for a bounded time. */
import { abortable } from "@std/async/abortable";
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import type { Log } from "../host/log.ts";
import { Connection, type Stage } from "./connection.ts";

/** How many connections may be open. */
const MOST_CONNECTIONS = 64;
/** How many may wait in the system to be accepted; Linux allows no more by default. */
const BACKLOG = 4_096;
/** No deadline comes sooner than that after a connection was accepted. */
const LONGEST_PAUSE: Milliseconds = 5_000;
/** For answers in progress when the server stops. */
const CLOSING_TIME: Milliseconds = 1_000;
/** However many connect, each has so many turns of such a time for its request to arrive. */
const TURNS = 10;
const TURN: Milliseconds = 10;
/** After the system could not accept a connection; and without another warning of that. */
const ACCEPT_PAUSE: Milliseconds = 100;
const WARNING_PAUSE: Milliseconds = 60_000;

/** What accepts connections for the system. */
export type Listener = Pick<Deno.TcpListener, "accept" | "addr" | "close">;

/**
 * Starts to listen.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export function listenAt(listen: ListenAddress): Listener {
  try {
    return listenOn(listen);
  } catch (cause) {
    const address = listenAddressText(listen);
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = cause instanceof Deno.errors.AddrInUse
      ? `-listen ${address}: another process in the pod uses the port; choose a free one`
      : `-listen ${address}: cannot listen there (${why}); use a port above 1023, and an address of the pod or none`;
    throw new Failure("usage", message, { cause });
  }
}

function listenOn({ hostname, port }: ListenAddress): Listener {
  try {
    return Deno.listen({ hostname, port, tcpBacklog: BACKLOG });
  } catch (error) {
    if (hostname !== "::" || error instanceof Deno.errors.AddrInUse) throw error;
    // All addresses, where the node has no IPv6.
    return Deno.listen({ hostname: "0.0.0.0", port, tcpBacklog: BACKLOG });
  }
}

/** What an acceptor needs. */
export interface AcceptorPorts {
  readonly log: Log;
  readonly clock: Clock;
  /** Serves one connection; rejects when that ends early. */
  readonly serve: (connection: Connection, stopped: AbortSignal) => Promise<void>;
}

/** Accepts connections until it is disposed of. */
export class Acceptor implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #ports: AcceptorPorts;
  /** The oldest first. */
  readonly #open = new Set<Connection>();
  readonly #stopped = new AbortController();
  readonly #allClosed = Promise.withResolvers<void>();
  #isWatching = false;

  constructor(listener: Listener, ports: AcceptorPorts) {
    this.#listener = listener;
    this.#ports = ports;
    void this.#accept();
  }

  /** How many connections are in a stage. */
  count(stage: Stage): number {
    return [...this.#open].filter((connection) => connection.stage === stage).length;
  }

  /** Closes a connection. */
  drop(connection: Connection): void {
    this.#open.delete(connection);
    connection.close();
    if (this.#open.size === 0 && this.#stopped.signal.aborted) this.#allClosed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#listener.close();
    for (const connection of this.#open) {
      if (["receiving", "finishing"].includes(connection.stage)) this.drop(connection);
    }
    if (this.#open.size > 0) {
      await abortable(this.#allClosed.promise, this.#ports.clock.within(CLOSING_TIME))
        .catch(() => {});
    }
    for (const connection of this.#open) this.drop(connection);
  }

  async #accept(): Promise<void> {
    const { clock, log } = this.#ports;
    let warnAgainAt = -Infinity;
    while (!this.#stopped.signal.aborted) {
      try {
        const connection = new Connection(await this.#listener.accept(), clock);
        await this.#makeRoom();
        if (this.#stopped.signal.aborted) connection.close();
        else void this.#serve(connection);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        // The system may lack something for a while, such as file descriptors.
        const victim = this.#victim();
        if (victim !== undefined) this.drop(victim);
        if (clock.now() >= warnAgainAt) {
          warnAgainAt = clock.now() + WARNING_PAUSE;
          log.warn("the HTTP server cannot accept connections; it retries", {
            error: String(error),
          });
        }
        await sleep(clock.within(ACCEPT_PAUSE, this.#stopped.signal));
      }
    }
  }

  async #serve(connection: Connection): Promise<void> {
    this.#open.add(connection);
    if (!this.#isWatching) void this.#watchDeadlines();
    try {
      await this.#ports.serve(connection, this.#stopped.signal);
    } catch {
      // The client has gone away, was too slow, or was closed for others.
    } finally {
      this.drop(connection);
    }
  }

  /** Closes connections until one more fits. */
  async #makeRoom(): Promise<void> {
    while (this.#open.size >= MOST_CONNECTIONS && !this.#stopped.signal.aborted) {
      const victim = this.#victim();
      if (victim !== undefined) {
        this.drop(victim);
        continue;
      }
      // What has arrived on the connections is read meanwhile.
      await sleep(this.#ports.clock.within(TURN, this.#stopped.signal));
      for (const connection of this.#open) connection.turns++;
    }
  }

  /**
   * The oldest connection that was answered, or has sent a part of a request; or else, of those that
   * had their turns, the oldest one without an answer in progress; or else with one that is no
   * drain's.
   */
  #victim(): Connection | undefined {
    const connections = [...this.#open].filter(({ stage }) => stage !== "draining");
    const hadTurns = connections.filter(({ turns }) => turns >= TURNS);
    return connections.find(({ hasPart, stage }) => hasPart || stage === "finishing") ??
      hadTurns.find(({ stage }) => stage !== "answering") ?? hadTurns[0];
  }

  /** One timer for all connections: those who come and go leave none behind. */
  async #watchDeadlines(): Promise<void> {
    const { clock } = this.#ports;
    this.#isWatching = true;
    while (this.#open.size > 0 && !this.#stopped.signal.aborted) {
      const first = Math.min(...[...this.#open].map(({ deadline }) => deadline));
      const pause = Math.min(LONGEST_PAUSE, first - clock.now());
      await sleep(clock.within(pause, this.#stopped.signal));
      for (const connection of this.#open) {
        if (connection.deadline <= clock.now()) connection.expire();
      }
    }
    this.#isWatching = false;
  }
}
