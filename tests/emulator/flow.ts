/** One connection of a client, joined to one of a target. */
import { connect, type Socket } from "node:net";
import type { Route } from "./health.ts";

/** How the two connections ended. */
export type FlowEnding =
  /** Each side closed its direction, as it should be. */
  | "closed"
  | "client-reset"
  | "target-reset"
  /** The target could not be connected to; the client was reset. */
  | "target-refused"
  /** Both were reset from here. */
  | "cut";

/** Two joined connections. */
export class Joint {
  readonly #client: Socket;
  readonly #target: Socket;
  #ending: FlowEnding = "closed";
  #connected = false;

  constructor(client: Socket, route: Route, onOpen: () => void) {
    this.#client = client;
    this.#target = connect({ ...route, allowHalfOpen: true });
    // Small messages are passed on at once.
    for (const socket of [client, this.#target]) socket.setNoDelay(true);
    this.#target.once("connect", () => {
      this.#connected = true;
      // A pipe passes the end of the data on, as a FIN, and leaves the other direction open.
      client.pipe(this.#target);
      this.#target.pipe(client);
      onOpen();
    });
    client.on("error", () => this.#reset("client-reset"));
    const ending = () => this.#connected ? "target-reset" : "target-refused";
    this.#target.on("error", () => this.#reset(ending()));
  }

  /** Settled when both connections have ended, with how they did. */
  async ended(): Promise<FlowEnding> {
    await Promise.all([closed(this.#client), closed(this.#target)]);
    return this.#ending;
  }

  /** Resets both. */
  cut(): void {
    this.#reset("cut");
  }

  #reset(ending: FlowEnding): void {
    if (this.#ending === "closed") this.#ending = ending;
    this.#client.resetAndDestroy();
    // One that is not connected yet has no peer to reset.
    if (this.#connected) this.#target.resetAndDestroy();
    else this.#target.destroy();
  }
}

function closed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.closed) resolve();
  else socket.once("close", () => resolve());
  return promise;
}
