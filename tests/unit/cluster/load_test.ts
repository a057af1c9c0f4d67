/** Whether users notice what a service does to them: a failure that they miss would never be seen. */
import { createServer, type Socket } from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FailureKind, UserConnection, UserError } from "../../cluster/load/user.ts";
import { halfClosed, lasting, numberedLines, short } from "../../cluster/load/visits.ts";
import { KINDS, Load } from "../../cluster/load.ts";
import { portOf, startListening } from "../../emulator/sockets.ts";

/** A service on this machine that does this with each connection. */
async function serve(manner: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
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

/** Does this with the lines that come. */
const withText = (act: (text: string, socket: Socket) => void) => (socket: Socket) => {
  socket.on("data", (data) => act(data.toString(), socket));
  socket.on("end", () => socket.end());
};
const echo = withText((text, socket) => socket.write(text));

const LASTING = { every: 1, time: 50, stop: new AbortController().signal };
const VISITS = {
  "short": short,
  "half-closed": halfClosed,
  "lasting": (connection: UserConnection, lines: ReturnType<typeof numberedLines>) =>
    lasting(connection, lines, LASTING),
};

async function visit(kind: typeof KINDS[number], port: number, patience = 10_000): Promise<void> {
  using connection = await UserConnection.open({ hostname: "127.0.0.1", port }, patience);
  await VISITS[kind](connection, numberedLines(kind));
}

const BAD: Readonly<Record<string, readonly [FailureKind, (socket: Socket) => void]>> = {
  "resets in the middle": ["reset", withText((_, socket) => socket.resetAndDestroy())],
  "never answers": ["timed-out", (socket) => void socket.resume()],
  "ends in the middle of an answer": [
    "cut",
    withText((text, socket) => {
      socket.end(text.slice(0, 10));
    }),
  ],
  "ends without an answer": ["cut", withText((_, socket) => void socket.end())],
  "answers something else": [
    "wrong-answer",
    withText((text, socket) => {
      socket.write(text.replace("abc", "abd"));
    }),
  ],
};

for (const kind of KINDS) {
  Deno.test(`a ${kind} connection whose lines are all answered is done`, async () => {
    await using service = await serve(echo);
    await visit(kind, service.port);
  });

  for (const [what, [failure, manner]] of Object.entries(BAD)) {
    Deno.test(`the user of a ${kind} connection to a service that ${what} sees: ${failure}`, async () => {
      await using service = await serve(manner);
      const patience = failure === "timed-out" ? 100 : 10_000;
      const error = await assertRejects(() => visit(kind, service.port, patience), UserError);
      assertEquals(error.kind, failure, error.message);
    });
  }
}

Deno.test("a service that ends a lasting connection while all is answered does no harm", async () => {
  await using service = await serve(withText((text, socket) => void socket.end(text)));
  using connection = await UserConnection.open(
    { hostname: "127.0.0.1", port: service.port },
    9_000,
  );
  await lasting(connection, numberedLines("one"), { ...LASTING, every: 3_600_000 });
});

Deno.test("a load counts each kind, and reports failures with their clients in their order", async () => {
  const clients = new Set<string>();
  let isGood = true;
  await using service = await serve((socket) => {
    if (isGood) return echo(socket);
    clients.add(`${socket.remoteAddress}:${socket.remotePort}`);
    socket.once("data", () => socket.resetAndDestroy());
  });
  const failed = Promise.withResolvers<void>();
  const load = new Load({
    ...{ hostname: "127.0.0.1", port: service.port, shortPerSecond: 100, halfClosedPerSecond: 50 },
    ...{ lasting: 2, lastingTime: 20, patience: 10_000 },
  }, () => failed.resolve());
  const isDone = () => Object.values(load.report.tallies).every(({ done }) => done > 1);
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(load.report.failures, []);
  isGood = false;
  await failed.promise;
  const { failures, tallies, withheld } = await load.stop();
  assert(failures.every(({ what, client = "" }) => what === "reset" && clients.has(client)));
  assertEquals(
    failures.map(({ at }) => at),
    failures.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  const sum = Object.values(tallies).reduce((total, { failed }) => total + failed, 0);
  assertEquals([sum, withheld], [failures.length, 0]);
});

Deno.test("a port where no program listens is refused", async () => {
  const service = await serve(echo);
  await service[Symbol.asyncDispose]();
  const error = await assertRejects(() => visit("short", service.port), UserError);
  assertEquals(error.kind, "refused");
});
