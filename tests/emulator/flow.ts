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

/** What it reports, and when it expires. */
export interface JointOptions {
  readonly onOpen: () => void;
  readonly onExpired: () => void;
  /** Without data for so many milliseconds it is forgotten. */
  readonly idleTimeout: number;
}

/** Two joined connections. */
export class Joint {
  readonly #client: Socket;
  readonly #target: Socket;
  #ending: FlowEnding = "closed";
  #connected = false;

  constructor(client: Socket, route: Route, { onOpen, onExpired, idleTimeout }: JointOptions) {
    this.#client = client;
    this.#target = connect({ ...route, allowHalfOpen: true });
    const sides = [client, this.#target];
    // Small messages are passed on at once.
    for (const socket of sides) socket.setNoDelay(true);
    this.#target.once("connect", () => {
      this.#connected = true;
      // A pipe passes the end of the data on, as a FIN, and leaves the other direction open.
      client.pipe(this.#target);
      this.#target.pipe(client);
      // Data of either side restarts the timer of the one that it comes to and goes from.
      client.setTimeout(idleTimeout, () => {
        client.setTimeout(0);
        this.#expire(sides);
        onExpired();
      });
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

  /** Neither side learns of it; what arrives later is answered by a reset of the side that sent it. */
  #expire(sides: readonly Socket[]): void {
    this.#ending = "cut";
    this.#client.unpipe();
    this.#target.unpipe();
    for (const side of sides) {
      for (const arrival of ["data", "end"]) side.once(arrival, () => side.resetAndDestroy());
      side.resume();
    }
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
