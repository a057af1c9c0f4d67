/** An application in the pod: it accepts connections, and can go away and come back. */

/** Listens on one port of the loopback address for as long as it is up. */
export class FakeApplication implements Disposable {
  readonly port: number;
  #listener: Deno.TcpListener | undefined;

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    accept(this.#listener);
  }

  /** What `-wait-for` is given. */
  get url(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  down(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  up(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    accept(this.#listener);
  }

  [Symbol.dispose](): void {
    this.down();
  }
}

async function accept(listener: Deno.TcpListener): Promise<void> {
  try {
    for await (const connection of listener) connection.close();
  } catch {
    // It was closed while it waited.
  }
}
