/** Which targets get connections, and which lose theirs. */
import { assertEquals } from "@std/assert";
import { becomes } from "./bench.ts";
import type { Balanced } from "./traffic.ts";
import { balanced, Program, read, write } from "./traffic.ts";

Deno.test("connections are spread over the healthy targets", async () => {
  await using one = new Program("127.1.0.1").greet();
  await using other = new Program("127.1.0.2").greet();
  await using at = await balanced();
  await at.inService(one.target);
  await at.inService(other.target);
  const names = new Set<string>();
  // All of a hundred on the same side: one in 2^99.
  for (let count = 0; count < 100 && names.size < 2; count++) {
    names.add(await at.firstRead());
  }
  assertEquals([...names].sort(), ["127.1.0.1", "127.1.0.2"]);
});

Deno.test("a target gets nothing while its registration is in progress", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ registering: 3_600_000 });
  at.emulator.registerByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "reset");
  assertEquals(at.emulator.traffic("kafka").refused, 1);
});

Deno.test("an unhealthy target gets no new connections while another is healthy", async () => {
  await using one = new Program("127.1.0.1").greet();
  await using other = new Program("127.1.0.2").greet();
  await using at = await balanced();
  await at.inService(one.target);
  await at.inService(other.target);
  at.emulator.setHealth("kafka", one.target, { state: "unhealthy" });
  for (let count = 0; count < 20; count++) {
    assertEquals(await at.firstRead(), "127.1.0.2");
  }
});

Deno.test("where all targets are unhealthy, connections go to all of them", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced();
  await at.inService(program.target);
  at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
  assertEquals(await at.firstRead(), "127.1.0.1");
});

for (const cut of [true, false]) {
  const does = cut ? "resets" : "keeps";
  Deno.test(`becoming unhealthy ${does} connections, as the attribute says`, async () => {
    await using program = new Program("127.1.0.1");
    await using at = await balanced(cut ? {} : { unhealthyConnectionTermination: false });
    await at.inService(program.target);
    const client = await at.connect();
    const accepted = await program.accept();
    await at.flow("flow-opened");
    at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
    if (cut) {
      assertEquals([await read(client), await read(accepted)], ["reset", "reset"]);
      await at.flow("flow-cut");
    } else {
      await write(client, "still there");
      assertEquals(await read(accepted), "still there");
    }
    assertEquals(at.emulator.traffic("kafka").cut, cut ? 1 : 0);
  });

  Deno.test(`the end of the deregistration delay ${does} connections`, async () => {
    await using program = new Program("127.1.0.1");
    await using at = await balanced({
      ...{ connectionTermination: cut, deregistrationDelaySeconds: 10, timeScale: 100 },
    });
    await at.inService(program.target);
    const client = await at.connect();
    const accepted = await program.accept();
    await at.flow("flow-opened");
    const gone = at.emulator.next(becomes("unused"));
    at.emulator.deregisterByOther("kafka", program.target);
    await write(client, "during the delay");
    assertEquals(await read(accepted), "during the delay");
    await gone;
    if (!cut) await write(client, "after it");
    assertEquals(await read(accepted), cut ? "reset" : "after it");
  });
}

Deno.test("a deregistered target gets new connections for a while, and then none", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ sendsAfterDeregistration: 30_000, timeScale: 30 });
  await at.inService(program.target);
  const ended = at.emulator.next((event) => event.kind === "sending-ended");
  at.emulator.deregisterByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
  await ended;
  assertEquals(await at.firstRead(), "reset");
});

Deno.test("sending can outlast the deregistration delay", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ deregistrationDelaySeconds: 0, connectionTermination: true });
  await at.inService(program.target);
  const gone = at.emulator.next(becomes("unused"));
  at.emulator.deregisterByOther("kafka", program.target);
  await gone;
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("a deregistered target that fails its checks gets nothing even before", async () => {
  await using leaving = new Program("127.1.0.1").greet();
  await using staying = new Program("127.1.0.2").greet();
  let status = 200;
  await using health = Deno.serve(
    { hostname: "0.0.0.0", port: 0, onListen: () => {} },
    (request) => new Response(null, { status: request.url.includes("127.1.0.1") ? status : 200 }),
  );
  await using at = await balanced({ ...QUICK_CHECKS, healthCheckPort: health.addr.port });
  await at.inService(leaving.target);
  await at.inService(staying.target);
  const client = await toServer(at, "127.1.0.1");
  at.emulator.deregisterByOther("kafka", leaving.target);
  await toServer(at, "127.1.0.1");
  status = 503;
  assertEquals(await read(client), "reset");
  for (let count = 0; count < 20; count++) {
    assertEquals(await at.firstRead(), "127.1.0.2");
  }
});

/** A connection to the program of that name: which one it gets depends on its port. */
async function toServer(at: Balanced, name: string): Promise<Deno.TcpConn> {
  while (true) {
    const client = await at.connect();
    if (await read(client) === name) return client;
  }
}

const QUICK_CHECKS = {
  health: { check: "http", path: "/" },
  healthCheckIntervalSeconds: 5,
  healthyThresholdCount: 2,
  timeScale: 100,
} as const;

Deno.test("a target that is deregistered before it is healthy never gets anything", async () => {
  await using leaving = new Program("127.1.0.1").greet();
  await using staying = new Program("127.1.0.2").greet();
  await using at = await balanced({
    ...{ health: { check: "tcp" }, healthCheckIntervalSeconds: 1, timeScale: 50 },
    registering: 1_000,
  });
  at.emulator.registerByOther("kafka", leaving.target);
  at.emulator.deregisterByOther("kafka", leaving.target);
  // By then, checks of the other would have found it healthy too.
  await at.inService(staying.target);
  for (let count = 0; count < 20; count++) assertEquals(await at.firstRead(), "127.1.0.2");
});

Deno.test("a target without health checks gets connections", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ health: { check: "none" } });
  const unavailable = at.emulator.next(becomes("unavailable"));
  at.emulator.registerByOther("kafka", program.target);
  await unavailable;
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("connections to other targets are not cut", async () => {
  await using one = new Program("127.1.0.1").greet();
  await using other = new Program("127.1.0.2", one.target.port).greet();
  await using at = await balanced();
  await at.inService(one.target);
  await at.inService(other.target);
  const clients = [await toServer(at, "127.1.0.1"), await toServer(at, "127.1.0.2")] as const;
  at.emulator.setHealth("kafka", one.target, { state: "unhealthy" });
  assertEquals(await read(clients[0]), "reset");
  await clients[1].closeWrite();
  assertEquals(await read(clients[1]), "end");
});

Deno.test("a connection to an unhealthy target is not cut when it stays unhealthy", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced();
  await at.inService(program.target);
  at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
  const client = await toServer(at, "127.1.0.1");
  at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
  await client.closeWrite();
  assertEquals(await read(client), "end");
});

Deno.test("a target that is registered again begins anew", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ sendsAfterDeregistration: 0 });
  await at.inService(program.target);
  const ended = at.emulator.next((event) => event.kind === "sending-ended");
  at.emulator.deregisterByOther("kafka", program.target);
  await ended;
  await at.inService(program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("every node checks, from its own address", async () => {
  const nodes = ["127.77.0.1", "127.77.0.2", "127.77.0.3"];
  await using program = new Program("127.1.0.1");
  await using at = await balanced({
    ...{ nodes, health: { check: "tcp" }, healthCheckIntervalSeconds: 1, healthyThresholdCount: 1 },
    timeScale: 10,
  });
  const inService = at.inService(program.target);
  const seen = new Set<string>();
  while (seen.size < 3) seen.add((await program.accept()).remoteAddr.hostname);
  assertEquals([...seen].sort(), nodes);
  await inService;
});

Deno.test("a target is healthy when all nodes have found it so, and that is told once", async () => {
  let status = 503;
  let asked = Promise.withResolvers<void>();
  let count = 0;
  await using target = Deno.serve(
    { hostname: "127.1.0.1", port: 0, onListen: () => {} },
    (_, { remoteAddr: { hostname } }) => {
      if (hostname !== "127.77.0.2") return new Response();
      if (++count === 5) asked.resolve();
      return new Response(null, { status });
    },
  );
  await using at = await balanced({ ...QUICK_CHECKS, nodes: ["127.77.0.1", "127.77.0.2"] });
  const inService = at.inService({ id: "127.1.0.1", port: target.addr.port });
  await asked.promise;
  assertEquals(at.emulator.events.filter(becomes("healthy")), []);
  [status, count, asked] = [200, 0, Promise.withResolvers<void>()];
  await inService;
  await asked.promise;
  assertEquals(at.emulator.events.filter(becomes("healthy")).length, 1);
});
