/** Services that do a user wrong, each in one way. */
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { portOf, startListening } from "../../emulator/sockets.ts";
import { Load } from "../../cluster/load.ts";
import type { Failure, Kind, LoadOptions, LoadReport } from "../../cluster/load.ts";

/** A service on this machine. */
export interface Service extends AsyncDisposable {
  readonly port: number;
}

/** What a service does with a connection. */
export type Manner = (socket: Socket) => void;

/** Starts a service of this manner. */
export async function serve(manner: Manner): Promise<Service> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A user that has gone is not what these services are about.
    socket.on("error", () => {});
    manner(socket);
  });
  await startListening(server, 0);
  return {
    port: portOf(server),
    [Symbol.asyncDispose]: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      return promise;
    },
  };
}

/** Answers as it should. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}

/** Calls back with each line, its newline included. */
export function onLine(socket: Socket, call: (line: string, number: number) => void): void {
  let text = "";
  let number = 0;
  socket.on("data", (data) => {
    text += data.toString();
    for (let end; (end = text.indexOf("\n") + 1) > 0;) {
      const line = text.slice(0, end);
      text = text.slice(end);
      call(line, ++number);
    }
  });
}

/** One user of this kind, alone. */
export async function oneUser(
  kind: Kind,
  port: number,
  options: Partial<LoadOptions> = {},
): Promise<LoadReport> {
  const nobody = { shortPerSecond: 0, halfClosedPerSecond: 0, lasting: 0 };
  const one = {
    "short": { shortPerSecond: 100 },
    "half-closed": { halfClosedPerSecond: 100 },
    "lasting": { lasting: 1 },
  };
  const load = { ...nobody, ...one[kind], most: 1, lastingEvery: 1, ...options };
  return await new Load({ hostname: "127.0.0.1", port, ...load }).ended;
}

/** What that user saw go wrong. */
export async function failureOf(
  kind: Kind,
  port: number,
  options: Partial<LoadOptions> = {},
): Promise<Failure> {
  const { failures: [failure], tallies } = await oneUser(kind, port, options);
  if (failure === undefined) throw new Error(`Nothing failed: ${JSON.stringify(tallies)}`);
  return failure;
}
