/** Which targets get connections, what passes through, and which connections are lost. */
import net from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { portOf, startListening } from "../../emulator/sockets.ts";
import type { GroupOptions } from "../../emulator/settings.ts";
import { becomes } from "./bench.ts";
import { Balanced, Program, read, write } from "./traffic.ts";

/** A client's connection, joined to one of a target that is in service. */
async function joined(options: Partial<GroupOptions> = {}) {
  const program = new Program("127.1.0.1");
  const at = await Balanced.start(options);
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  await at.flow("flow-opened");
  return {
    ...{ at, program, client, accepted },
    [Symbol.asyncDispose]: async () => {
      await at[Symbol.asyncDispose]();
      await program[Symbol.asyncDispose]();
    },
  };
}

/** Two programs that greet, both in service. */
async function pair(options: Partial<GroupOptions> = {}) {
  const one = Program.greeting("127.1.0.1");
  const other = Program.greeting("127.1.0.2", one.target.port);
  const at = await Balanced.start(options);
  await at.inService(one.target);
  await at.inService(other.target);
  return {
    ...{ at, one, other },
    [Symbol.asyncDispose]: async () => {
      for (const each of [at, one, other]) await each[Symbol.asyncDispose]();
    },
  };
}

/** That new connections go to that program only. */
async function onlyTo(at: Balanced, name: string): Promise<void> {
  for (let count = 0; count < 20; count++) assertEquals(await at.firstRead(), name);
}

Deno.test("data and its end pass both ways, each end by itself, from a node's address", async () => {
  await using scene = await joined({ nodes: ["127.77.0.1"] });
  const { client, accepted, at } = scene;
  assertEquals(accepted.remoteAddr.hostname, "127.77.0.1");
  await write(client, "question");
  await client.closeWrite();
  assertEquals([await read(accepted), await read(accepted)], ["question", "end"]);
  await write(accepted, "answer");
  assertEquals(await read(client), "answer");
  await accepted.closeWrite();
  assertEquals(await read(client), "end");
  await at.flow("flow-closed");
});

Deno.test("the end of a target's data passes, and the client can still send", async () => {
  await using scene = await joined();
  await scene.accepted.closeWrite();
  assertEquals(await read(scene.client), "end");
  await write(scene.client, "more");
  assertEquals(await read(scene.accepted), "more");
});

Deno.test("a target's reset is passed on to the client", async () => {
  const server = net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await startListening(server, 0);
  await using at = await Balanced.start();
  await at.inService({ id: "127.0.0.1", port: portOf(server) });
  const client = await at.connect();
  await write(client, "please");
  assertEquals(await read(client), "reset");
  const event = await at.flow("flow-reset");
  assert(event.kind === "flow-reset" && event.flow.ending === "target-reset");
  server.close();
});

Deno.test("a client's reset is passed on to the target", async () => {
  await using program = new Program("127.1.0.1");
  await using at = await Balanced.start();
  await at.inService(program.target);
  const client = net.connect(at.emulator.groups[0]?.port ?? 0, "127.0.0.1");
  const accepted = await program.accept();
  client.resetAndDestroy();
  assertEquals(await read(accepted), "reset");
  const event = await at.flow("flow-reset");
  assert(event.kind === "flow-reset" && event.flow.ending === "client-reset");
});

Deno.test("an idle connection is forgotten in silence; what is sent later is reset", async () => {
  await using scene = await joined({ idleTimeout: 200 });
  await write(scene.client, "before");
  assertEquals(await read(scene.accepted), "before");
  await scene.at.flow("flow-expired");
  assertEquals(scene.at.emulator.traffic("kafka").open.length, 1);
  await write(scene.accepted, "late");
  assertEquals(await read(scene.accepted), "reset");
  await write(scene.client, "late");
  assertEquals(await read(scene.client), "reset");
  await scene.at.flow("flow-cut");
});

Deno.test("connections are spread over the healthy targets", async () => {
  await using scene = await pair();
  const names = new Set<string>();
  // All of a hundred on the same side: one in 2^99.
  for (let count = 0; count < 100 && names.size < 2; count++) {
    names.add(await scene.at.firstRead());
  }
  assertEquals([...names].sort(), ["127.1.0.1", "127.1.0.2"]);
});

Deno.test("a client is reset without targets, while they are registered, and where they refuse", async () => {
  await using at = await Balanced.start({ registering: 3_600_000 });
  assertEquals(await at.firstRead(), "reset");
  const event = await at.flow("flow-refused");
  assert(event.kind === "flow-refused" && event.flow.ending === "no-target");
  const program = new Program("127.1.0.1");
  at.emulator.registerByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "reset");
  await program[Symbol.asyncDispose]();
  at.emulator.setHealth("kafka", program.target, { state: "healthy" });
  assertEquals(await at.firstRead(), "reset");
  const last = await at.emulator.seen((one) =>
    one.kind === "flow-refused" && one.flow.ending === "target-refused"
  );
  assert(last.kind === "flow-refused");
  assertEquals(last.flow.target, program.target);
  assertEquals(at.emulator.traffic("kafka").refused, 3);
});

Deno.test("a target without health checks gets connections", async () => {
  await using program = Program.greeting("127.1.0.1");
  await using at = await Balanced.start({ health: { check: "none" } });
  const unavailable = at.emulator.next(becomes("unavailable"));
  at.emulator.registerByOther("kafka", program.target);
  await unavailable;
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("an unhealthy target loses its connections, and gets none while another is healthy", async () => {
  await using scene = await pair();
  const { at, one, other } = scene;
  const clients = [await at.connectTo("127.1.0.1"), await at.connectTo("127.1.0.2")] as const;
  at.emulator.setHealth("kafka", one.target, { state: "unhealthy" });
  assertEquals(await read(clients[0]), "reset");
  await onlyTo(at, "127.1.0.2");
  // Where all are unhealthy, all get connections, which are not cut when they stay so.
  at.emulator.setHealth("kafka", other.target, { state: "unhealthy" });
  assertEquals(await read(clients[1]), "reset");
  const late = await at.connectTo("127.1.0.1");
  at.emulator.setHealth("kafka", one.target, { state: "unhealthy" });
  await late.closeWrite();
  assertEquals(await read(late), "end");
});

Deno.test("an unhealthy target gets new connections for a while where the group says so", async () => {
  await using scene = await pair({ sendsAfterUnhealthy: 3_600_000 });
  scene.at.emulator.setHealth("kafka", scene.one.target, { state: "unhealthy" });
  await scene.at.connectTo("127.1.0.1");
  await using quick = await pair({ sendsAfterUnhealthy: 10 });
  quick.at.emulator.setHealth("kafka", quick.one.target, { state: "unhealthy" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await onlyTo(quick.at, "127.1.0.2");
});

for (const cut of [true, false]) {
  const does = cut ? "resets" : "keeps";
  Deno.test(`becoming unhealthy ${does} connections, as the attribute says`, async () => {
    await using scene = await joined({ unhealthyConnectionTermination: cut });
    const { at, program, client, accepted } = scene;
    at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
    if (!cut) await write(client, "still there");
    assertEquals(await read(accepted), cut ? "reset" : "still there");
    if (cut) await at.flow("flow-cut");
    assertEquals(at.emulator.traffic("kafka").cut, cut ? 1 : 0);
  });

  Deno.test(`the end of the deregistration delay ${does} connections`, async () => {
    const delay = { deregistrationDelaySeconds: 10, timeScale: 100 };
    await using scene = await joined({ connectionTermination: cut, ...delay });
    const { at, program, client, accepted } = scene;
    const gone = at.emulator.next(becomes("unused"));
    at.emulator.deregisterByOther("kafka", program.target);
    await write(client, "during the delay");
    assertEquals(await read(accepted), "during the delay");
    await gone;
    if (!cut) await write(client, "after it");
    assertEquals(await read(accepted), cut ? "reset" : "after it");
  });
}

Deno.test("a deregistered target gets new connections for a while, then none, and begins anew", async () => {
  await using program = Program.greeting("127.1.0.1");
  await using at = await Balanced.start({ sendsAfterDeregistration: 30_000, timeScale: 30 });
  await at.inService(program.target);
  const ended = at.sendingEnds(program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
  await ended;
  assertEquals(await at.firstRead(), "reset");
  await at.inService(program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("sending can outlast the deregistration delay", async () => {
  await using program = Program.greeting("127.1.0.1");
  await using at = await Balanced.start({ deregistrationDelaySeconds: 0 });
  await at.inService(program.target);
  const gone = at.emulator.next(becomes("unused"));
  at.emulator.deregisterByOther("kafka", program.target);
  await gone;
  assertEquals(await at.firstRead(), "127.1.0.1");
});

const QUICK = { healthCheckIntervalSeconds: 5, healthyThresholdCount: 2, timeScale: 100 };

Deno.test("a deregistered target that fails its checks gets nothing even before", async () => {
  let status = 200;
  const hosts = { hostname: "127.1.0.1", port: 0, onListen: () => {} };
  await using first = Deno.serve(hosts, () => new Response(null, { status }));
  const { port: healthCheckPort } = first.addr;
  await using _second = Deno.serve(
    { ...hosts, hostname: "127.1.0.2", port: healthCheckPort },
    () => new Response(),
  );
  const health = { check: "http", path: "/" } as const;
  await using scene = await pair({ ...QUICK, health, healthCheckPort });
  const client = await scene.at.connectTo("127.1.0.1");
  scene.at.emulator.deregisterByOther("kafka", scene.one.target);
  await scene.at.connectTo("127.1.0.1");
  status = 503;
  assertEquals(await read(client), "reset");
  await onlyTo(scene.at, "127.1.0.2");
});

Deno.test("a target that is deregistered before it is healthy never gets anything", async () => {
  await using draining = Program.greeting("127.1.0.1");
  await using serving = Program.greeting("127.1.0.2");
  const health = { check: "tcp" } as const;
  await using at = await Balanced.start({ ...QUICK, health, registering: 1_000 });
  at.emulator.registerByOther("kafka", draining.target);
  at.emulator.deregisterByOther("kafka", draining.target);
  // By then, checks of the other would have found it healthy too.
  await at.inService(serving.target);
  await onlyTo(at, "127.1.0.2");
});

Deno.test("every node checks, from its own address; a target is healthy when all agree", async () => {
  const nodes = ["127.77.0.1", "127.77.0.2"];
  const seen = new Set<string>();
  let [status, count] = [503, 0];
  let refusedOften = Promise.withResolvers<void>();
  await using target = Deno.serve(
    { hostname: "127.1.0.1", port: 0, onListen: () => {} },
    (_, { remoteAddr: { hostname } }) => {
      seen.add(hostname);
      if (hostname === nodes[0]) return new Response();
      if (++count === 5) refusedOften.resolve();
      return new Response(null, { status });
    },
  );
  await using at = await Balanced.start({ ...QUICK, nodes, health: { check: "http", path: "/" } });
  const inService = at.inService({ id: "127.1.0.1", port: target.addr.port });
  await refusedOften.promise;
  assertEquals(at.emulator.events.filter(becomes("healthy")), []);
  [status, count, refusedOften] = [200, 0, Promise.withResolvers<void>()];
  await inService;
  await refusedOften.promise;
  assertEquals(at.emulator.events.filter(becomes("healthy")).length, 1);
  assertEquals([...seen].sort(), nodes);
});

Deno.test("a listener has the port that the group names; a taken one is reported, a deleted group's closed", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  const groups = [{ name: "a", listener: port }];
  await assertRejects(() => startEmulator({ groups }), Error, `Cannot listen on port ${port}: `);
  free.close();
  await using emulator = await startEmulator({ groups });
  assertEquals(emulator.groups.map((group) => group.port), [port]);
  await using scene = await joined();
  const { port: old = 0 } = scene.at.emulator.groups[0] ?? {};
  await scene.at.emulator.deleteGroup("kafka");
  assertEquals(await read(scene.client), "reset");
  await assertRejects(() => Deno.connect({ port: old }), Deno.errors.ConnectionRefused);
});
