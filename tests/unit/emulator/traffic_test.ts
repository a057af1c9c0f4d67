/** Which targets get connections, what passes through, and which connections are lost. */
import net from "node:net";
import { assertEquals } from "@std/assert";
import type { GroupOptions } from "../../emulator/settings.ts";
import { becomes } from "./bench.ts";
import { Balanced, Program, read, write } from "./traffic.ts";

/** A client's connection, joined to one of a target that is in service. */
async function joined(options: Partial<GroupOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const program = stack.use(new Program("127.1.0.1"));
  const at = stack.use(await Balanced.start(options));
  await at.inService(program.target);
  const client = await at.connect();
  const accepted = await program.accept();
  return { at, program, client, accepted, moved: stack.move() };
}

/** Two programs that greet, both in service. */
async function pair(options: Partial<GroupOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const one = stack.use(Program.greeting("127.1.0.1"));
  const other = stack.use(Program.greeting("127.1.0.2", one.target.port));
  const at = stack.use(await Balanced.start(options));
  await at.inService(one.target);
  await at.inService(other.target);
  return { at, one, other, moved: stack.move() };
}

/** That new connections go to that program only. */
async function onlyTo(at: Balanced, name: string): Promise<void> {
  for (let count = 0; count < 20; count++) assertEquals(await at.firstRead(), name);
}

Deno.test("data and its end pass both ways, each end by itself, from the node's address", async () => {
  const { at, client, accepted, moved } = await joined();
  await using _ = moved;
  assertEquals(accepted.remoteAddr.hostname, "127.200.0.1");
  await write(client, "question");
  await client.closeWrite();
  assertEquals([await read(accepted), await read(accepted)], ["question", "end"]);
  await write(accepted, "answer");
  assertEquals(await read(client), "answer");
  await accepted.closeWrite();
  assertEquals(await read(client), "end");
  await at.ends("closed");
});

Deno.test("a reset is passed on, from either side", async () => {
  const server = net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await using resetting = await Balanced.start();
  const port = typeof address === "object" ? address?.port ?? 0 : 0;
  await resetting.inService({ id: "127.0.0.1", port });
  const client = await resetting.connect();
  await write(client, "please");
  assertEquals(await read(client), "reset");
  await resetting.ends("target-reset");
  server.close();

  await using program = new Program("127.1.0.1");
  await using at = await Balanced.start();
  await at.inService(program.target);
  const leaving = net.connect(at.emulator.groups[0]?.port ?? 0, "127.0.0.1");
  const accepted = await program.accept();
  leaving.resetAndDestroy();
  assertEquals(await read(accepted), "reset");
  await at.ends("client-reset");
});

Deno.test("connections are spread over the healthy targets", async () => {
  const { at, moved } = await pair();
  await using _ = moved;
  const names = new Set<string>();
  // All of a hundred on the same side: one in 2^99.
  for (let count = 0; count < 100 && names.size < 2; count++) names.add(await at.firstRead());
  assertEquals([...names].sort(), ["127.1.0.1", "127.1.0.2"]);
});

Deno.test("a client is reset without targets, while they are registered, and where they refuse", async () => {
  await using at = await Balanced.start({ registering: 3_600_000 });
  assertEquals(await at.firstRead(), "reset");
  await at.ends("no-target");
  const program = new Program("127.1.0.1");
  at.emulator.registerByOther("kafka", program.target);
  assertEquals(await at.firstRead(), "reset");
  await program[Symbol.asyncDispose]();
  at.emulator.setHealth("kafka", program.target, { state: "healthy" });
  assertEquals(await at.firstRead(), "reset");
  await at.ends("target-refused");
});

Deno.test("an unhealthy target loses its connections, and gets none while another is healthy", async () => {
  const { at, one, other, moved } = await pair();
  await using _ = moved;
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

Deno.test("becoming unhealthy keeps connections where the attribute says so", async () => {
  const { at, program, client, accepted, moved } = await joined({
    unhealthyConnectionTermination: false,
  });
  await using _ = moved;
  at.emulator.setHealth("kafka", program.target, { state: "unhealthy" });
  await write(client, "still there");
  assertEquals(await read(accepted), "still there");
});

Deno.test("a deregistered target gets new connections for a while, then none, and begins anew", async () => {
  await using program = Program.greeting("127.1.0.1");
  await using at = await Balanced.start({
    ...{ sendsAfterDeregistration: 30_000, timeScale: 30, deregistrationDelaySeconds: 0 },
  });
  await at.inService(program.target);
  const gone = at.emulator.next(becomes("unused"));
  at.emulator.deregisterByOther("kafka", program.target);
  // The deregistration delay does not shorten it.
  await gone;
  assertEquals(await at.firstRead(), "127.1.0.1");
  while (await at.firstRead() !== "reset");
  await at.inService(program.target);
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
  const { at, one, moved } = await pair({ ...QUICK, health, healthCheckPort });
  await using _ = moved;
  const client = await at.connectTo("127.1.0.1");
  at.emulator.deregisterByOther("kafka", one.target);
  await at.connectTo("127.1.0.1");
  status = 503;
  assertEquals(await read(client), "reset");
  await onlyTo(at, "127.1.0.2");
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
