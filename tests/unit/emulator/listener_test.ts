import { connect } from "node:net";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { becomes } from "./bench.ts";
import type { Balanced } from "./traffic.ts";
import { balanced, Program, read, resetting, write } from "./traffic.ts";

Deno.test("a connection goes to a healthy target, and both ways through it", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  await write(client, "question");
  assertEquals(await read(accepted), "question");
  await write(accepted, "answer");
  assertEquals(await read(client), "answer");
});

Deno.test("a target sees a node's address, not the client's", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced({ nodes: ["127.77.0.1"] });
  await at.inService(program.target);
  await at.connect();
  assertEquals((await program.accept()).remoteAddr.hostname, "127.77.0.1");
});

Deno.test("much data comes whole and in order", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  const sent = Uint8Array.from({ length: 3_000_000 }, (_, place) => place % 251);
  const sending = (async () => {
    for (let place = 0; place < sent.length;) place += await client.write(sent.subarray(place));
    await client.closeWrite();
  })();
  const received = await new Response(accepted.readable).bytes();
  program.forget(accepted);
  await sending;
  assertEquals(received.length, sent.length);
  assert(received.every((byte, place) => byte === sent[place]));
});

Deno.test("the end of a client's data is passed on, and the answer still comes back", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  await write(client, "all");
  await client.closeWrite();
  assertEquals([await read(accepted), await read(accepted)], ["all", "end"]);
  await write(accepted, "answer");
  assertEquals(await read(client), "answer");
  await accepted.closeWrite();
  assertEquals(await read(client), "end");
  await at.flow("flow-closed");
});

Deno.test("the end of a target's data is passed on, and the client can still send", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  await accepted.closeWrite();
  assertEquals(await read(client), "end");
  await write(client, "more");
  assertEquals(await read(accepted), "more");
});

Deno.test("a target's reset is passed on to the client", async () => {
  await using program = await resetting("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  await write(client, "please");
  assertEquals(await read(client), "reset");
  const reset = await at.flow("flow-reset");
  assert(reset.kind === "flow-reset");
  assertEquals([reset.flow.ending, reset.flow.target], ["target-reset", program.target]);
  assertEquals(at.emulator.traffic("kafka"), {
    ...{ opened: 1, refused: 0, cut: 0, reset: 1, closed: 0, open: [] },
  });
});

Deno.test("a client's reset is passed on to the target", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = connect(at.emulator.groups[0]?.port ?? 0, "127.0.0.1");
  const accepted = await program.accept();
  client.resetAndDestroy();
  assertEquals(await read(accepted), "reset");
  const reset = await at.flow("flow-reset");
  assert(reset.kind === "flow-reset" && reset.flow.ending === "client-reset");
});

Deno.test("connections are spread over the healthy targets", async () => {
  using one = new Program("127.1.0.1").greet();
  using other = new Program("127.1.0.2").greet();
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
  using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ registering: 3_600_000 });
  at.emulator.registerByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "reset");
  assertEquals(at.emulator.traffic("kafka").refused, 1);
});

Deno.test("without targets a client is reset", async () => {
  await using at = await balanced();
  assertEquals(await at.firstRead(), "reset");
  const refused = await at.flow("flow-refused");
  assert(refused.kind === "flow-refused");
  assertEquals([refused.group, refused.flow.ending], ["kafka", "no-target"]);
});

Deno.test("a target that refuses the connection has its client reset", async () => {
  const program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  program.stopListening();
  assertEquals(await at.firstRead(), "reset");
  const refused = await at.flow("flow-refused");
  assert(refused.kind === "flow-refused");
  assertEquals([refused.flow.ending, refused.flow.target], ["target-refused", program.target]);
});

Deno.test("an unhealthy target gets no new connections while another is healthy", async () => {
  using one = new Program("127.1.0.1").greet();
  using other = new Program("127.1.0.2").greet();
  await using at = await balanced();
  await at.inService(one.target);
  await at.inService(other.target);
  at.emulator.setHealth("kafka", one.target, { state: "unhealthy" });
  for (let count = 0; count < 20; count++) {
    assertEquals(await at.firstRead(), "127.1.0.2");
  }
});

Deno.test("where all targets are unhealthy, connections go to all of them", async () => {
  using program = new Program("127.1.0.1").greet();
  await using at = await balanced();
  await at.inService(program.target);
  at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
  assertEquals(await at.firstRead(), "127.1.0.1");
});

for (const cut of [true, false]) {
  const does = cut ? "resets" : "keeps";
  Deno.test(`becoming unhealthy ${does} connections, as the attribute says`, async () => {
    using program = new Program("127.1.0.1");
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
    using program = new Program("127.1.0.1");
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
  using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ sendsAfterDeregistration: 30_000, timeScale: 30 });
  await at.inService(program.target);
  const ended = at.emulator.next((event) => event.kind === "sending-ended");
  at.emulator.deregisterByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
  await ended;
  assertEquals(await at.firstRead(), "reset");
});

Deno.test("sending can outlast the deregistration delay", async () => {
  using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ deregistrationDelaySeconds: 0, connectionTermination: true });
  await at.inService(program.target);
  const gone = at.emulator.next(becomes("unused"));
  at.emulator.deregisterByOther("kafka", program.target);
  await gone;
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("a deregistered target that fails its checks gets nothing even before", async () => {
  using leaving = new Program("127.1.0.1").greet();
  using staying = new Program("127.1.0.2").greet();
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

Deno.test("a target that is registered again while it drains begins anew", async () => {
  using program = new Program("127.1.0.1").greet();
  await using at = await balanced();
  await at.inService(program.target);
  at.emulator.deregisterByOther("kafka", program.target);
  await at.inService(program.target);
  assertEquals(await at.firstRead(), "127.1.0.1");
});

Deno.test("every node checks, from its own address", async () => {
  const nodes = ["127.77.0.1", "127.77.0.2", "127.77.0.3"];
  using program = new Program("127.1.0.1");
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

Deno.test("a listener is where it was asked to be, and a taken port is said", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listener = free.addr.port;
  const groups = [{ name: "a", listener: true }, { name: "b", listener }];
  await assertRejects(
    () => startEmulator({ groups }),
    Error,
    `Cannot listen on port ${listener}: `,
  );
  free.close();
  await using emulator = await startEmulator({ groups });
  assertEquals(emulator.groups[1]?.port, listener);
});

Deno.test("a group without listener has no traffic", async () => {
  await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
  assertEquals(emulator.groups[0]?.port, undefined);
  assertThrows(() => emulator.traffic("kafka"), RangeError, '"kafka" has no listener');
});

Deno.test("listeners that cannot be are refused", async () => {
  const bad = [
    [{ listener: 70_000 }, "listener 70000 is no port within 1 and 65535"],
    [{ listener: true, inUse: false }, "a group that no load balancer uses has no listener"],
    [{ listener: true, protocol: "UDP" }, "only TCP connections"],
    [{ nodes: ["10.0.0.1"] }, "nodes are [10.0.0.1] and not IPv4 loopback addresses"],
    [{ nodes: [] }, "nodes are [] and not"],
    [{ sendsAfterDeregistration: -1 }, "sendsAfterDeregistration is -1 and not a time from 0"],
  ] as const;
  for (const [options, words] of bad) {
    await assertRejects(() => balanced(options), RangeError, words);
  }
});

Deno.test("deleting a group closes its listener and resets its connections", async () => {
  using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  await at.flow("flow-opened");
  await at.emulator.deleteGroup("kafka");
  assertEquals(await read(client), "reset");
  await assertRejects(() => at.connect(), Deno.errors.ConnectionRefused);
});
