/** The states of targets and the checks that they come from, where an end-to-end test is blind. */
import { assertEquals, assertThrows } from "@std/assert";
import { becomes, Bench, TARGET } from "./bench.ts";

const QUICK = { healthCheckIntervalSeconds: 10, healthyThresholdCount: 2, timeScale: 500 };

/** A server on loopback as a target, in a group that checks it so. */
async function checked(check: { check: "tcp" } | { check: "http"; path: string }, port: number) {
  const at = await Bench.start({ ...QUICK, health: check });
  at.emulator.registerByOther("kafka", { id: "127.0.0.1", port });
  return at;
}

for (
  const [group, changes] of [
    [{}, ["Elb.RegistrationInProgress", "Elb.InitialHealthChecking", "healthy"]],
    [{ health: { check: "none" } }, ["Elb.RegistrationInProgress", "Target.HealthCheckDisabled"]],
    [{ inUse: false }, ["Target.NotInUse"]],
  ] as const
) {
  Deno.test(`in a group with ${JSON.stringify(group)} a target goes through ${changes}`, async () => {
    await using at = await Bench.start(group);
    const last = changes.at(-1) ?? "";
    const there = at.emulator.next((event) =>
      event.kind === "state-changed" && (event.to.reason ?? event.to.state) === last
    );
    await at.register();
    await there;
    const seen = at.emulator.events.flatMap((event) =>
      event.kind === "state-changed" ? [event.to.reason ?? event.to.state] : []
    );
    assertEquals(seen, [...changes]);
    assertEquals((await at.health()).split(" ").at(-1), last);
  });
}

Deno.test("a deregistered target drains, and is gone after the delay, unless it is registered anew", async () => {
  await using at = await Bench.start({ deregistrationDelaySeconds: 60, timeScale: 600 });
  at.emulator.registerByOther("kafka", TARGET);
  at.emulator.deregisterByOther("kafka", TARGET);
  assertEquals(await at.health(), "draining Target.DeregistrationInProgress");
  assertEquals([at.emulator.registered("kafka"), at.emulator.targets("kafka").length], [[], 1]);
  const healthy = at.emulator.next(becomes("healthy"));
  await at.register();
  await healthy;
  await at.register();
  assertEquals(await at.health(), "healthy");
  const gone = at.emulator.next(becomes("unused"));
  at.emulator.deregisterByOther("kafka", TARGET);
  await gone;
  assertEquals(await at.health(), "unused Target.NotRegistered");
  assertEquals(at.emulator.targets("kafka"), []);
});

Deno.test("replies can lag behind a registration", async () => {
  await using at = await Bench.start({ unseen: 3_600_000 });
  await at.register();
  assertEquals(await at.health(), "unused Target.NotRegistered");
  assertEquals(at.emulator.registered("kafka").length, 1);
});

Deno.test("the health of a target can be set while it is registered", async () => {
  await using at = await Bench.start();
  await at.register();
  at.emulator.setHealth("kafka", TARGET, { state: "unused", reason: "Target.IpUnusable" });
  assertEquals(await at.health(), "unused Target.IpUnusable");
  const set = () => at.emulator.setHealth("kafka", { id: "10.0.0.2", port: 1 }, { state: "x" });
  assertThrows(set, RangeError, "10.0.0.2:1 is not registered");
});

Deno.test("a TCP check finds a target healthy while it listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) connection.close();
  })();
  await using at = await checked({ check: "tcp" }, listener.addr.port);
  await at.emulator.seen(becomes("healthy"));
  const unhealthy = at.emulator.next(becomes("unhealthy"));
  listener.close();
  await unhealthy;
  await accepting;
});

Deno.test("an HTTP check follows the status, and bears the node's address as its host", async () => {
  let status = 503;
  const hosts = new Set<string | null>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url, headers }) => {
      hosts.add(headers.get("host"));
      return new Response(null, { status: url.endsWith("/up") ? status : 404 });
    },
  );
  await using at = await checked({ check: "http", path: "/up" }, server.addr.port);
  await at.emulator.seen(becomes("unhealthy"));
  const healthy = at.emulator.next(becomes("healthy"));
  status = 204;
  await healthy;
  assertEquals([...hosts], ["127.200.0.1"]);
});

Deno.test("an HTTP check fails where no answer comes in time", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using at = await checked({ check: "http", path: "/" }, listener.addr.port);
  await at.emulator.seen(becomes("unhealthy"));
});
