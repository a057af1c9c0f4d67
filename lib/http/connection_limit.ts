/** How many may be connected to the service at once. */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * The open connections of a server. Where there are too many, the oldest one that has no answer
 * under way is closed for the new one: so those who send slowly, or nothing, or do not read, shut
 * nobody out.
 */
export class ConnectionLimit {
  /** In the order in which they came. */
  readonly #open = new Set<Socket>();
  readonly #answering = new Set<Socket>();
  readonly #most: number;

  constructor(server: Server, most: number) {
    this.#most = most;
    server.on("connection", (socket) => this.#add(socket));
  }

  /** From now on an answer is under way. */
  answering(socket: Socket): void {
    this.#answering.add(socket);
  }

  /** The answer has been given. */
  answered(socket: Socket): void {
    this.#answering.delete(socket);
  }

  /** Closes all that are left. */
  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #add(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#answering.delete(socket);
    });
    if (this.#open.size > this.#most) this.#evictable()?.destroy();
  }

  #evictable(): Socket | undefined {
    for (const socket of this.#open) {
      if (!socket.destroyed && !this.#answering.has(socket)) return socket;
    }
    return undefined;
  }
}
