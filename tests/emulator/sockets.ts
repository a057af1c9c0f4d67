/** Servers on the loopback address. */
import type { Server } from "node:net";

/**
 * Listens on a port of 127.0.0.1; 0 for any free one.
 * @throws {Error} Where that port cannot be had; says which.
 */
export async function startListening(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) =>
    reject(new Error(`Cannot listen on port ${port}: ${error.message}`));
  server.once("error", onError);
  server.listen(port, "127.0.0.1", () => resolve());
  await promise;
  server.off("error", onError);
}

/** The port on which the server listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return address.port;
}
