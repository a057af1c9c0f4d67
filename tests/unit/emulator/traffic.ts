/** Targets, clients, and a load balancer between them. */
import { createServer } from "node:net";
import type { Emulator } from "../../emulator/emulator.ts";
import type { EmulatorEvent, FlowStep } from "../../emulator/events.ts";
import { startEmulator } from "../../emulator/server.ts";
import type { GroupOptions } from "../../emulator/settings.ts";
import { portOf } from "../../emulator/sockets.ts";
import type { Target } from "../../emulator/states.ts";

/** An emulator with a group `kafka` that has a listener. */
export interface Balanced extends AsyncDisposable {
  readonly emulator: Emulator;
  /** A client's connection through the listener. */
  connect(): Promise<Deno.TcpConn>;
  /** What a new client reads first; `reset` where it does not get as far. */
  firstRead(): Promise<string>;
  /** Registers the target; settled when connections go to it. */
  inService(target: Target): Promise<void>;
  /** Settled when a flow has come to this step. */
  flow(kind: FlowStep): Promise<EmulatorEvent>;
}

/** Starts it. */
export async function balanced(options: Partial<GroupOptions> = {}): Promise<Balanced> {
  const emulator = await startEmulator({ groups: [{ name: "kafka", listener: true, ...options }] });
  const port = emulator.groups[0]?.port ?? 0;
  const clients: Deno.TcpConn[] = [];
  const connect = async () => {
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    clients.push(client);
    return client;
  };
  return {
    emulator,
    connect,
    firstRead: () => orReset(async () => await read(await connect())),
    inService: async (target) => {
      const healthy = emulator.next((event) => isOf(event, target) && event.to.state === "healthy");
      emulator.registerByOther("kafka", target);
      await healthy;
    },
    flow: (kind) => emulator.seen((event) => event.kind === kind),
    [Symbol.asyncDispose]: async () => {
      clients.forEach((client) => client.close());
      await emulator[Symbol.asyncDispose]();
    },
  };
}

function isOf(
  event: EmulatorEvent,
  { id, port }: Target,
): event is EmulatorEvent & { kind: "state-changed" } {
  return event.kind === "state-changed" && event.target.id === id && event.target.port === port;
}

/** A listening program at a loopback address of its own. */
export class Program implements AsyncDisposable {
  readonly target: Target;
  readonly #listener: Deno.TcpListener;
  readonly #accepted = new Set<Deno.TcpConn>();
  readonly #greetings = new Set<Promise<void>>();
  #accepting: Promise<void> = Promise.resolve();

  /** @param id Its address. */
  constructor(id: string, port = 0) {
    this.#listener = Deno.listen({ hostname: id, port });
    this.target = { id, port: this.#listener.addr.port };
  }

  /** The next connection. */
  async accept(): Promise<Deno.TcpConn> {
    const connection = await this.#listener.accept();
    this.#accepted.add(connection);
    return connection;
  }

  /** Leaves closing the connection to the caller. */
  forget(connection: Deno.TcpConn): void {
    this.#accepted.delete(connection);
  }

  /** Sends its name to all who connect, and closes the connection when they do. */
  greet(): this {
    this.#accepting = (async () => {
      for await (const connection of this.#listener) {
        this.#greetings.add(this.#greet(connection));
      }
    })();
    return this;
  }

  async #greet(connection: Deno.TcpConn): Promise<void> {
    try {
      await write(connection, this.target.id);
      while (await connection.read(new Uint8Array(16)) !== null);
    } catch {
      // Reset: so be it.
    }
    connection.close();
  }

  /** Connections that are open stay so. */
  stopListening(): void {
    this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#accepted) connection.close();
    this.#accepted.clear();
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.#accepting.catch(() => {});
    await Promise.all(this.#greetings);
  }
}

/** A program that resets each connection at its first data. */
export async function resetting(id: string): Promise<AsyncDisposable & { target: Target }> {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const listening = Promise.withResolvers<void>();
  server.listen(0, id, () => listening.resolve());
  await listening.promise;
  return {
    target: { id, port: portOf(server) },
    [Symbol.asyncDispose]: () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      return closed.promise;
    },
  };
}

/** Sends a text. */
export async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

/** What comes next: a text, `end` for the end of the data, or `reset`. */
export async function read(connection: Deno.TcpConn): Promise<string> {
  return await orReset(async () => {
    const buffer = new Uint8Array(1024);
    const count = await connection.read(buffer);
    return count === null ? "end" : new TextDecoder().decode(buffer.subarray(0, count));
  });
}

async function orReset(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    if (isReset(error)) return "reset";
    throw error;
  }
}

/** Whether the connection was reset; where that was at once, connecting says "not connected". */
export function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.NotConnected;
}
