import { assert, assertEquals } from "@std/assert";
import { KINDS, Load } from "../../cluster/load.ts";
import { echo, failureOf, oneUser, onLine, serve } from "./services.ts";

for (const kind of KINDS) {
  Deno.test(`a ${kind} connection whose lines are all answered is done`, async () => {
    await using service = await serve(echo);
    const { tallies, failures } = await oneUser(kind, service.port, { lastingLife: 50 });
    assertEquals(tallies[kind], { begun: 1, done: 1, endedByService: 0, failed: 0 });
    assertEquals(failures, []);
  });

  Deno.test(`a ${kind} connection where nobody listens is refused`, async () => {
    const service = await serve(echo);
    await service[Symbol.asyncDispose]();
    const failure = await failureOf(kind, service.port);
    assertEquals([failure.on, failure.what, failure.client], [kind, "refused", undefined]);
    assert(failure.at >= failure.begunAt && failure.begunAt >= 0);
  });

  Deno.test(`a ${kind} connection that is reset in the middle is told as reset`, async () => {
    const clients: string[] = [];
    await using service = await serve((socket) => {
      clients.push(`${socket.remoteAddress}:${socket.remotePort}`);
      socket.once("data", () => socket.resetAndDestroy());
    });
    const failure = await failureOf(kind, service.port);
    assertEquals([failure.on, failure.what, failure.client], [kind, "reset", clients[0]]);
  });

  Deno.test(`a ${kind} connection that gets no answer times out`, async () => {
    await using service = await serve((socket) => void socket.resume());
    const { what, at, begunAt } = await failureOf(kind, service.port, { patience: 50 });
    assertEquals(what, "timed-out");
    assert(at - begunAt >= 45, `${at - begunAt}`);
  });

  Deno.test(`a ${kind} connection that ends in the middle of an answer is cut`, async () => {
    await using service = await serve((socket) => {
      onLine(socket, (line, number) => {
        if (number === 1) socket.end(line.slice(0, 10));
      });
    });
    const { what, message } = await failureOf(kind, service.port);
    assertEquals([what, message], ["cut", "10 of 256 bytes came"]);
  });

  Deno.test(`a ${kind} connection that ends without an answer is cut`, async () => {
    await using service = await serve((socket) => {
      onLine(socket, (_, number) => {
        if (number === 1) socket.end();
      });
    });
    assertEquals((await failureOf(kind, service.port)).what, "cut");
  });

  Deno.test(`a ${kind} connection is told of an answer that is not its own`, async () => {
    await using service = await serve((socket) => {
      onLine(socket, (line) => socket.write(line.replace("abc", "abd")));
    });
    assertEquals((await failureOf(kind, service.port)).what, "wrong-answer");
  });
}

Deno.test("a half-closed connection is cut by a service that ends when its user does", async () => {
  await using service = await serve((socket) => {
    const lines: string[] = [];
    onLine(socket, (line) => lines.push(line));
    socket.once("end", () => socket.end(lines.slice(0, 3).join("")));
  });
  const { what, message } = await failureOf("half-closed", service.port);
  assertEquals([what, message], ["cut", "3 answers came"]);
});

Deno.test("a half-closed connection is told of what comes after its answers", async () => {
  await using service = await serve((socket) => {
    onLine(socket, (line) => socket.write(line));
    socket.once("end", () => socket.end("more"));
  });
  const { what } = await failureOf("half-closed", service.port);
  assertEquals(what, "wrong-answer");
});

Deno.test("a lasting connection asks again while answers come", async () => {
  const { promise: tenth, resolve } = Promise.withResolvers<void>();
  await using service = await serve((socket) => {
    onLine(socket, (line, number) => {
      socket.write(line);
      if (number === 10) resolve();
    });
    socket.once("end", () => socket.end());
  });
  await using load = new Load({
    ...{ hostname: "127.0.0.1", port: service.port, lasting: 1, lastingEvery: 1 },
    ...{ shortPerSecond: 0, halfClosedPerSecond: 0, lastingLife: 3_600_000 },
  });
  await tenth;
  const { tallies } = await load.stop();
  assertEquals(tallies.lasting, { begun: 1, done: 1, endedByService: 0, failed: 0 });
});

Deno.test("a lasting connection asks again before it is answered", async () => {
  await using service = await serve((socket) => {
    const lines: string[] = [];
    onLine(socket, (line, number) => {
      lines.push(line);
      if (number >= 3) socket.write(lines.splice(0).join(""));
    });
    socket.once("end", () => socket.end(lines.join("")));
  });
  const { tallies } = await oneUser("lasting", service.port, { lastingLife: 50 });
  assertEquals(tallies.lasting.done, 1);
});

Deno.test("a lasting connection may last longer than its user's patience, while answers come", async () => {
  await using service = await serve(echo);
  const times = { patience: 1000, lastingLife: 1500, lastingEvery: 50 };
  const { failures } = await oneUser("lasting", service.port, times);
  assertEquals(failures, []);
});

Deno.test("a service that ends a lasting connection while all is answered does no harm", async () => {
  await using service = await serve((socket) => {
    onLine(socket, (line, number) => {
      if (number === 1) socket.end(line);
    });
  });
  // The next line would be due long after the end has come.
  const { tallies } = await oneUser("lasting", service.port, { lastingEvery: 3_600_000 });
  assertEquals(tallies.lasting, { begun: 1, done: 1, endedByService: 1, failed: 0 });
});

Deno.test("a lasting connection that fails is followed by another", async () => {
  await using service = await serve((socket) => void socket.resetAndDestroy());
  const { tallies } = await oneUser("lasting", service.port, { most: 3 });
  assertEquals(tallies.lasting, { begun: 3, done: 0, endedByService: 0, failed: 3 });
});

Deno.test("no more connections are open at once than allowed", async () => {
  await using service = await serve((socket) => void socket.resume());
  await using load = new Load({
    ...{ hostname: "127.0.0.1", port: service.port, atOnce: 3, patience: 200 },
    ...{ shortPerSecond: 1000, halfClosedPerSecond: 0, lasting: 0, most: 4 },
  });
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  load.listen(() => resolve());
  await failed;
  const { tallies, withheld } = load.report;
  assert(tallies.short.begun - tallies.short.failed <= 3);
  assert(withheld > 0);
});

Deno.test("a load keeps its rate, and ends after its time", async () => {
  await using service = await serve(echo);
  const { tallies, withheld, time, failures } = await new Load({
    ...{ hostname: "127.0.0.1", port: service.port, time: 500 },
    ...{ shortPerSecond: 200, halfClosedPerSecond: 20, lasting: 2 },
  }).ended;
  assert(tallies.short.begun > 0 && tallies.short.begun <= 200 * time / 1000);
  assert(tallies["half-closed"].begun <= 20 * time / 1000);
  assertEquals(tallies.lasting.begun, 2);
  assertEquals([withheld, failures], [0, []]);
});

Deno.test("failures are told as they happen, and are in the report in their order", async () => {
  await using service = await serve((socket) => void socket.resetAndDestroy());
  await using load = new Load({
    ...{ hostname: "127.0.0.1", port: service.port, most: 5 },
    ...{ shortPerSecond: 100, halfClosedPerSecond: 50, lasting: 0 },
  });
  const told: number[] = [];
  load.listen(({ at }) => told.push(at));
  const { failures } = await load.ended;
  assertEquals(failures.map(({ at }) => at), told);
  assertEquals([told.length, told], [5, told.toSorted((one, other) => one - other)]);
});
