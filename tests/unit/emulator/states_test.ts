import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  waitUntilTargetInService,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals, assertThrows } from "@std/assert";
import type { EmulatorEvent } from "../../emulator/events.ts";
import { becomes, bench } from "./bench.ts";
import type { Bench } from "./bench.ts";

const TARGET = { id: "10.0.0.1", port: 9092 };

function input(at: Bench) {
  return { TargetGroupArn: at.arn, Targets: [{ Id: TARGET.id, Port: TARGET.port }] };
}

async function health(at: Bench): Promise<string> {
  const { TargetHealthDescriptions: [told] = [] } = await at.client.send(
    new DescribeTargetHealthCommand(input(at)),
  );
  const { State, Reason } = told?.TargetHealth ?? {};
  return Reason === undefined ? `${State}` : `${State} ${Reason}`;
}

function changes(events: readonly EmulatorEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === "state-changed" ? [event.to.reason ?? event.to.state] : []
  );
}

Deno.test("a registered target becomes healthy by way of its initial states", async () => {
  await using at = await bench();
  const healthy = at.emulator.next(becomes("healthy"));
  await at.client.send(new RegisterTargetsCommand(input(at)));
  await healthy;
  assertEquals(changes(at.emulator.events), [
    "Elb.RegistrationInProgress",
    "Elb.InitialHealthChecking",
    "healthy",
  ]);
  const { state } = await waitUntilTargetInService(
    { client: at.client, maxWaitTime: 30 },
    input(at),
  );
  assertEquals(state, "SUCCESS");
});

Deno.test("a registration in progress is told as such", async () => {
  await using at = await bench({ groups: [{ name: "kafka", registering: 3_600_000 }] });
  await at.client.send(new RegisterTargetsCommand(input(at)));
  assertEquals(await health(at), "initial Elb.RegistrationInProgress");
  assertEquals(at.emulator.registered("kafka").length, 1);
});

Deno.test("a target that fails its checks becomes unhealthy", async () => {
  await using at = await bench({
    groups: [{ name: "kafka", health: { check: "assumed", after: 1, healthy: false } }],
  });
  const unhealthy = at.emulator.next(becomes("unhealthy"));
  await at.client.send(new RegisterTargetsCommand(input(at)));
  await unhealthy;
  assertEquals(await health(at), "unhealthy Target.FailedHealthChecks");
});

Deno.test("without health checks the health is unavailable", async () => {
  await using at = await bench({ groups: [{ name: "kafka", health: { check: "none" } }] });
  const unavailable = at.emulator.next(becomes("unavailable"));
  await at.client.send(new RegisterTargetsCommand(input(at)));
  await unavailable;
  assertEquals(await health(at), "unavailable Target.HealthCheckDisabled");
});

Deno.test("in a group without load balancer a target is registered and unused", async () => {
  await using at = await bench({ groups: [{ name: "kafka", inUse: false }] });
  await at.client.send(new RegisterTargetsCommand(input(at)));
  assertEquals(await health(at), "unused Target.NotInUse");
  assertEquals(at.emulator.registered("kafka").length, 1);
  await at.client.send(new DeregisterTargetsCommand(input(at)));
  assertEquals(at.emulator.targets("kafka"), []);
});

Deno.test("a deregistered target drains, and is gone after the delay", async () => {
  await using at = await bench({
    groups: [{ name: "kafka", deregistrationDelaySeconds: 60, timeScale: 6000 }],
  });
  at.emulator.registerByOther("kafka", TARGET);
  const gone = at.emulator.next(becomes("unused"));
  await at.client.send(new DeregisterTargetsCommand(input(at)));
  await gone;
  assertEquals(await health(at), "unused Target.NotRegistered");
  const { TargetHealthDescriptions } = await at.client.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }),
  );
  assertEquals(TargetHealthDescriptions, []);
});

Deno.test("a draining target is listed as draining, and can be registered anew", async () => {
  await using at = await bench();
  at.emulator.registerByOther("kafka", TARGET);
  await at.client.send(new DeregisterTargetsCommand(input(at)));
  assertEquals(await health(at), "draining Target.DeregistrationInProgress");
  assertEquals(at.emulator.registered("kafka"), []);
  assertEquals(at.emulator.targets("kafka").length, 1);
  const healthy = at.emulator.next(becomes("healthy"));
  await at.client.send(new RegisterTargetsCommand(input(at)));
  await healthy;
  assertEquals(await health(at), "healthy");
});

Deno.test("registering a registered target changes nothing", async () => {
  await using at = await bench();
  at.emulator.registerByOther("kafka", TARGET);
  await at.emulator.seen(becomes("healthy"));
  await at.client.send(new RegisterTargetsCommand(input(at)));
  assertEquals(await health(at), "healthy");
});

Deno.test("replies can lag behind a registration", async () => {
  await using at = await bench({ groups: [{ name: "kafka", unseen: 3_600_000 }] });
  await at.client.send(new RegisterTargetsCommand(input(at)));
  assertEquals(await health(at), "unused Target.NotRegistered");
  assertEquals(at.emulator.registered("kafka").length, 1);
  const { TargetHealthDescriptions } = await at.client.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }),
  );
  assertEquals(TargetHealthDescriptions, []);
});

Deno.test("a test can set the health of a target, and deregister it", async () => {
  await using at = await bench();
  await at.client.send(new RegisterTargetsCommand(input(at)));
  at.emulator.setHealth("kafka", TARGET, { state: "unused", reason: "Target.IpUnusable" });
  assertEquals(await health(at), "unused Target.IpUnusable");
  at.emulator.deregisterByOther(at.arn, TARGET);
  assertEquals(await health(at), "draining Target.DeregistrationInProgress");
  assertThrows(
    () => at.emulator.setHealth("kafka", { id: "10.0.0.2", port: 1 }, { state: "healthy" }),
    RangeError,
    "10.0.0.2:1 is not registered",
  );
});

Deno.test("a TCP check finds a target healthy while it listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) connection.close();
  })();
  await using at = await bench({
    groups: [{
      name: "kafka",
      health: { check: "tcp" },
      healthCheckIntervalSeconds: 10,
      healthyThresholdCount: 2,
      timeScale: 500,
    }],
  });
  const healthy = at.emulator.next(becomes("healthy"));
  at.emulator.registerByOther("kafka", { id: "127.0.0.1", port: listener.addr.port });
  await healthy;
  const unhealthy = at.emulator.next(becomes("unhealthy"));
  listener.close();
  await unhealthy;
  await accepting;
});

Deno.test("an HTTP check looks at the status", async () => {
  let status = 503;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(null, { status: request.url.endsWith("/up") ? status : 404 }),
  );
  await using at = await bench({
    groups: [{
      name: "kafka",
      health: { check: "http", path: "/up" },
      healthCheckIntervalSeconds: 10,
      healthyThresholdCount: 2,
      timeScale: 500,
    }],
  });
  const unhealthy = at.emulator.next(becomes("unhealthy"));
  at.emulator.registerByOther("kafka", { id: "127.0.0.1", port: server.addr.port });
  await unhealthy;
  const healthy = at.emulator.next(becomes("healthy"));
  status = 204;
  await healthy;
  await server.shutdown();
});

Deno.test("an HTTP check fails where nobody answers in time", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using at = await bench({
    groups: [{
      name: "kafka",
      health: { check: "http", path: "/" },
      healthCheckIntervalSeconds: 1,
      healthCheckTimeoutSeconds: 2,
      timeScale: 100,
    }],
  });
  const unhealthy = at.emulator.next(becomes("unhealthy"));
  at.emulator.registerByOther("kafka", { id: "127.0.0.1", port: listener.addr.port });
  await unhealthy;
  listener.close();
});
