import { connect } from "node:net";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { balanced, Program, read, resetting, write } from "./traffic.ts";

Deno.test("a connection goes to a healthy target, and both ways through it", async () => {
  await using program = new Program("127.1.0.1");
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
  await using program = new Program("127.1.0.1");
  await using at = await balanced({ nodes: ["127.77.0.1"] });
  await at.inService(program.target);
  await at.connect();
  assertEquals((await program.accept()).remoteAddr.hostname, "127.77.0.1");
});

Deno.test("much data comes whole and in order", async () => {
  await using program = new Program("127.1.0.1");
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
  await using program = new Program("127.1.0.1");
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
  await using program = new Program("127.1.0.1");
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
  await using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = connect(at.emulator.groups[0]?.port ?? 0, "127.0.0.1");
  const accepted = await program.accept();
  client.resetAndDestroy();
  assertEquals(await read(accepted), "reset");
  const reset = await at.flow("flow-reset");
  assert(reset.kind === "flow-reset" && reset.flow.ending === "client-reset");
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

Deno.test("a listener is where it was asked to be, and a taken port is said", async () => {
  const [first, taken] = [0, 0].map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  assert(first !== undefined && taken !== undefined);
  const ports = [first.addr.port, taken.addr.port] as const;
  const groups = [{ name: "a", listener: ports[0] }, { name: "b", listener: ports[1] }];
  first.close();
  const start = () => startEmulator({ groups });
  await assertRejects(start, Error, `Cannot listen on port ${ports[1]}: `);
  taken.close();
  // The first is free again.
  await using emulator = await startEmulator({ groups });
  assertEquals(emulator.groups.map(({ port }) => port), [...ports]);
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
  await using program = new Program("127.1.0.1");
  await using at = await balanced();
  await at.inService(program.target);
  const client = await at.connect();
  await at.flow("flow-opened");
  await at.emulator.deleteGroup("kafka");
  assertEquals(await read(client), "reset");
  await assertRejects(() => at.connect(), Deno.errors.ConnectionRefused);
});
