/** Targets, clients, and a load balancer between them. */
import type { Emulator } from "../../emulator/emulator.ts";
import type { Flow } from "../../emulator/events.ts";
import { startEmulator } from "../../emulator/server.ts";
import type { GroupOptions } from "../../emulator/settings.ts";
import type { Target } from "../../emulator/states.ts";

/** An emulator with a group `kafka` that has a listener, and its clients. */
export class Balanced implements AsyncDisposable {
  readonly #clients: Deno.TcpConn[] = [];

  private constructor(readonly emulator: Emulator) {}

  static async start(options: Partial<GroupOptions> = {}): Promise<Balanced> {
    const group = { name: "kafka", listener: true, ...options };
    return new Balanced(await startEmulator({ groups: [group] }));
  }

  /** Registers the target; done when connections go to it. */
  async inService({ id, port }: Target): Promise<void> {
    const healthy = this.emulator.next((event) =>
      event.kind === "state-changed" && event.target.id === id && event.to.state === "healthy"
    );
    this.emulator.registerByOther("kafka", { id, port });
    await healthy;
  }

  /** A client's connection through the listener. */
  async connect(): Promise<Deno.TcpConn> {
    const client = await Deno.connect({ port: this.emulator.groups[0]?.port ?? 0 });
    this.#clients.push(client);
    return client;
  }

  /** What a new client reads first; `reset` where it does not get as far. */
  firstRead(): Promise<string> {
    return orReset(async () => await read(await this.connect()));
  }

  /** A connection to the program of that name: which one it gets depends on its port. */
  async connectTo(name: string): Promise<Deno.TcpConn> {
    while (true) {
      const client = await this.connect();
      if (await read(client) === name) return client;
    }
  }

  /** Done when a flow has ended so. */
  async ends(ending: Flow["ending"]): Promise<void> {
    await this.emulator.seen((event) =>
      event.kind === "flow-ended" && event.flow.ending === ending
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.emulator[Symbol.asyncDispose]();
  }
}

/** A program that listens at a loopback address of its own. */
export class Program implements AsyncDisposable {
  readonly target: Target;
  readonly #listener: Deno.TcpListener;
  readonly #accepted: Deno.TcpConn[] = [];
  readonly #greetings: Promise<void>[] = [];

  /** @param id Its address. */
  constructor(id: string, port = 0) {
    this.#listener = Deno.listen({ hostname: id, port });
    this.target = { id, port: this.#listener.addr.port };
  }

  /** One that sends its name to all who connect, and closes the connection when they do. */
  static greeting(id: string, port?: number): Program {
    const program = new Program(id, port);
    program.#greetings.push(program.#greetAll());
    return program;
  }

  /** The next connection. */
  async accept(): Promise<Deno.TcpConn> {
    const connection = await this.#listener.accept();
    this.#accepted.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#accepted) connection.close();
    this.#listener.close();
    await Promise.all(this.#greetings);
  }

  async #greetAll(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#greetings.push(this.#greet(connection));
    }
  }

  async #greet(connection: Deno.TcpConn): Promise<void> {
    using _closed = connection;
    try {
      await write(connection, this.target.id);
      while (await connection.read(new Uint8Array(16)) !== null);
    } catch {
      // Reset.
    }
  }
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

/** Where a reset was at once, connecting says "not connected". */
async function orReset(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    const { ConnectionReset, NotConnected } = Deno.errors;
    if (error instanceof ConnectionReset || error instanceof NotConnected) return "reset";
    throw error;
  }
}
