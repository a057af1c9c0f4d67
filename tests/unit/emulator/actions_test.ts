import {
  DeregisterTargetsCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  paginateDescribeTargetGroups,
  RegisterTargetsCommand,
  TargetGroupNotFoundException,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { DescribeTargetGroupsCommandInput } from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bench, refused } from "./bench.ts";

const TWO_GROUPS = { groups: [{ name: "kafka", port: 9092 }, { name: "edge", inUse: false }] };
const UNKNOWN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/no/0123456789abcdef";

Deno.test("DescribeTargetGroups tells of all groups, or of those named", async () => {
  await using at = await bench(TWO_GROUPS);
  const all = await at.client.send(new DescribeTargetGroupsCommand({}));
  assertEquals(all.TargetGroups?.map((group) => group.TargetGroupName), ["kafka", "edge"]);
  assertEquals(all.NextMarker, undefined);
  const named = await at.client.send(new DescribeTargetGroupsCommand({ Names: ["edge"] }));
  assertEquals(named.TargetGroups?.map((group) => group.LoadBalancerArns), [[]]);
  const byArn = await at.client.send(
    new DescribeTargetGroupsCommand({ TargetGroupArns: [at.arn] }),
  );
  assertEquals(byArn.TargetGroups?.[0]?.TargetGroupArn, at.arn);
  assertMatch(all.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
});

Deno.test("DescribeTargetGroups tells the settings with their types", async () => {
  await using at = await bench({
    groups: [{ name: "web", health: { check: "http", path: "/up" }, healthCheckPort: 8080 }],
  });
  const { TargetGroups: [group] = [] } = await at.client.send(
    new DescribeTargetGroupsCommand({ Names: ["web"] }),
  );
  assertEquals(group, {
    TargetGroupArn: at.arn,
    TargetGroupName: "web",
    Protocol: "TCP",
    Port: 80,
    VpcId: "vpc-0123456789abcdef0",
    HealthCheckProtocol: "HTTP",
    HealthCheckPort: "8080",
    HealthCheckEnabled: true,
    HealthCheckIntervalSeconds: 30,
    HealthCheckTimeoutSeconds: 10,
    HealthyThresholdCount: 5,
    UnhealthyThresholdCount: 2,
    HealthCheckPath: "/up",
    Matcher: { HttpCode: "200-399" },
    LoadBalancerArns: [
      "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/emulator/0123456789abcdef",
    ],
    TargetType: "ip",
    IpAddressType: "ipv4",
  });
});

Deno.test("DescribeTargetGroups refuses the whole call for one unknown name", async () => {
  await using at = await bench(TWO_GROUPS);
  const call = at.client.send(new DescribeTargetGroupsCommand({ Names: ["kafka", "no"] }));
  const error = await refused(call, "TargetGroupNotFound", 400, "not found");
  assert(error instanceof TargetGroupNotFoundException);
});

Deno.test("DescribeTargetGroups pages through any number of groups", async () => {
  const names = Array.from({ length: 7 }, (_, index) => `group-${index}`);
  await using at = await bench({ groups: names.map((name) => ({ name })) });
  const seen: (string | undefined)[] = [];
  const pages = paginateDescribeTargetGroups({ client: at.client }, { PageSize: 3 });
  for await (const page of pages) {
    seen.push(...(page.TargetGroups ?? []).map((group) => group.TargetGroupName));
  }
  assertEquals(seen, names);
  assertEquals(at.emulator.calls.length, 3);
});

Deno.test("DescribeTargetGroups refuses bad pages and filters", async () => {
  await using at = await bench(TWO_GROUPS);
  const { client } = at;
  const send = (input: DescribeTargetGroupsCommandInput) =>
    client.send(new DescribeTargetGroupsCommand(input));
  await refused(send({ Marker: "what" }), "ValidationError", 400, "Marker");
  await refused(send({ PageSize: 0 }), "ValidationError", 400, "between 1 and 400");
  await refused(send({ PageSize: 401 }), "ValidationError", 400);
  await refused(send({ Names: ["kafka"], TargetGroupArns: [at.arn] }), "ValidationError", 400);
  await refused(send({ TargetGroupArns: ["kafka"] }), "ValidationError", 400, "'kafka' is not");
  await refused(send({ TargetGroupArns: [UNKNOWN] }), "TargetGroupNotFound", 400);
  await refused(send({ LoadBalancerArn: "arn:no" }), "LoadBalancerNotFound", 400);
});

Deno.test("DescribeTargetGroups tells of the groups of the load balancer", async () => {
  await using at = await bench(TWO_GROUPS);
  const LoadBalancerArn =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/emulator/0123456789abcdef";
  const { TargetGroups } = await at.client.send(
    new DescribeTargetGroupsCommand({ LoadBalancerArn }),
  );
  assertEquals(TargetGroups?.map((group) => group.TargetGroupName), ["kafka"]);
});

Deno.test("RegisterTargets takes the group's port, and several ports of one address", async () => {
  await using at = await bench();
  await at.client.send(
    new RegisterTargetsCommand({
      TargetGroupArn: at.arn,
      Targets: [{ Id: "10.0.0.1" }, { Id: "10.0.0.1", Port: 8080 }],
    }),
  );
  assertEquals(at.emulator.registered("kafka").map(({ id, port }) => `${id}:${port}`), [
    "10.0.0.1:9092",
    "10.0.0.1:8080",
  ]);
  const [call] = at.emulator.calls;
  assertEquals(call?.targets, [{ id: "10.0.0.1" }, { id: "10.0.0.1", port: 8080 }]);
  assertEquals([call?.groupArn, call?.applied, call?.identity], [at.arn, true, "static"]);
});

Deno.test("RegisterTargets refuses targets that the group cannot have", async () => {
  await using at = await bench({
    groups: [
      { name: "kafka" },
      { name: "six", ipAddressType: "ipv6" },
      { name: "vm", targetType: "instance" },
    ],
  });
  const register = (group: string, Id: string, more: { Port?: number; Zone?: string } = {}) =>
    at.client.send(
      new RegisterTargetsCommand({
        TargetGroupArn: at.emulator.arn(group),
        Targets: [{ Id, Port: more.Port, AvailabilityZone: more.Zone }],
      }),
    );
  await refused(register("kafka", "8.8.8.8"), "InvalidTarget", 400, "8.8.8.8");
  await refused(register("kafka", "i-01234567"), "ValidationError", 400, "IPv4 address");
  await refused(register("kafka", "fd00::1"), "ValidationError", 400, "IPv4 address");
  await refused(register("six", "10.0.0.1"), "ValidationError", 400, "IPv6 address");
  await refused(register("vm", "10.0.0.1"), "ValidationError", 400, "Instance ID '10.0.0.1'");
  await refused(register("kafka", "10.0.0.1", { Port: 0 }), "ValidationError", 400, "65535");
  await refused(register("kafka", "10.0.0.1", { Port: 65536 }), "ValidationError", 400);
  await refused(register("kafka", "10.0.0.1", { Zone: "here" }), "ValidationError", 400);
  await register("six", "fd00::1");
  await register("vm", "i-0123456789abcdef0");
  await register("kafka", "10.0.0.1", { Zone: "eu-west-1a" });
  assertEquals(at.emulator.registered("kafka").map((target) => target.availabilityZone), [
    "eu-west-1a",
  ]);
});

Deno.test("RegisterTargets refuses a bad group, and an empty list of targets", async () => {
  await using at = await bench();
  const register = (TargetGroupArn: string | undefined, ids: string[]) =>
    at.client.send(
      new RegisterTargetsCommand({ TargetGroupArn, Targets: ids.map((Id) => ({ Id })) }),
    );
  await refused(register(UNKNOWN, ["10.0.0.1"]), "TargetGroupNotFound", 400, UNKNOWN);
  await refused(register("kafka", ["10.0.0.1"]), "ValidationError", 400);
  await refused(register(undefined, ["10.0.0.1"]), "ValidationError", 400, "targetGroupArn");
  await refused(register(at.arn, []), "ValidationError", 400, "At least one target");
});

Deno.test("DeregisterTargets needs the port, and succeeds for targets that are absent", async () => {
  await using at = await bench();
  const change = { TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.1", Port: 8080 }] };
  await at.client.send(new RegisterTargetsCommand(change));
  await at.client.send(
    new DeregisterTargetsCommand({ ...change, Targets: [{ Id: "10.0.0.1" }] }),
  );
  assertEquals(at.emulator.registered("kafka").length, 1);
  await at.client.send(new DeregisterTargetsCommand(change));
  assertEquals(at.emulator.registered("kafka"), []);
  await at.client.send(new DeregisterTargetsCommand(change));
});

Deno.test("DescribeTargetHealth lists who is registered, and answers for those asked", async () => {
  await using at = await bench();
  await at.client.send(
    new RegisterTargetsCommand({ TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.1" }] }),
  );
  const all = await at.client.send(new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }));
  assertEquals(all.TargetHealthDescriptions?.map(({ Target }) => Target?.Id), ["10.0.0.1"]);
  const other = await at.client.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.2" }] }),
  );
  assertEquals(other.TargetHealthDescriptions, [{
    Target: { Id: "10.0.0.2", Port: 9092 },
    HealthCheckPort: "9092",
    TargetHealth: {
      State: "unused",
      Reason: "Target.NotRegistered",
      Description: "Target is not registered to the target group",
    },
  }]);
});

Deno.test("DescribeTargetHealth tells of anomalies where asked, and refuses the unknown", async () => {
  await using at = await bench();
  at.emulator.registerByOther("kafka", { id: "10.0.0.1", port: 9092 });
  const { TargetHealthDescriptions: [told] = [] } = await at.client.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: at.arn, Include: ["All"] }),
  );
  assertEquals(told?.AnomalyDetection, { Result: "normal", MitigationInEffect: "no" });
  const other = { TargetGroupArn: at.arn, Targets: [{ Id: "i-01234567" }] };
  await refused(at.client.send(new DescribeTargetHealthCommand(other)), "ValidationError", 400);
  const gone = at.client.send(new DescribeTargetHealthCommand({ TargetGroupArn: UNKNOWN }));
  await refused(gone, "TargetGroupNotFound", 400);
});

Deno.test("DescribeTargetGroupAttributes tells the deregistration delay", async () => {
  await using at = await bench({ groups: [{ name: "kafka", deregistrationDelaySeconds: 120 }] });
  const { Attributes } = await at.client.send(
    new DescribeTargetGroupAttributesCommand({ TargetGroupArn: at.arn }),
  );
  const delay = Attributes?.find(({ Key }) => Key === "deregistration_delay.timeout_seconds");
  assertEquals(delay?.Value, "120");
  const unknown = new DescribeTargetGroupAttributesCommand({ TargetGroupArn: UNKNOWN });
  await refused(at.client.send(unknown), "TargetGroupNotFound", 400);
});

for (const on of [true, false]) {
  Deno.test(`DescribeTargetGroupAttributes tells what is cut: ${on}`, async () => {
    const cuts = { connectionTermination: on, unhealthyConnectionTermination: !on };
    await using at = await bench({ groups: [{ name: "kafka", ...cuts }] });
    const { Attributes = [] } = await at.client.send(
      new DescribeTargetGroupAttributesCommand({ TargetGroupArn: at.arn }),
    );
    const told = Object.fromEntries(Attributes.map(({ Key, Value }) => [Key, Value]));
    assertEquals(told["deregistration_delay.connection_termination.enabled"], `${on}`);
    assertEquals(told["target_health_state.unhealthy.connection_termination.enabled"], `${!on}`);
  });
}

Deno.test("DescribeTags tells the tags of up to 20 groups", async () => {
  await using at = await bench({ groups: [{ name: "kafka", tags: { team: "<a&b>" } }] });
  const { TagDescriptions } = await at.client.send(
    new DescribeTagsCommand({ ResourceArns: [at.arn] }),
  );
  assertEquals(TagDescriptions, [
    { ResourceArn: at.arn, Tags: [{ Key: "team", Value: "<a&b>" }] },
  ]);
  const many = new DescribeTagsCommand({ ResourceArns: Array(21).fill(at.arn) });
  await refused(at.client.send(many), "ValidationError", 400);
  const none = new DescribeTagsCommand({ ResourceArns: [] });
  await refused(at.client.send(none), "ValidationError", 400);
});

Deno.test("a deleted group is not found", async () => {
  await using at = await bench();
  await at.emulator.deleteGroup("kafka");
  const call = at.client.send(new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }));
  await refused(call, "TargetGroupNotFound", 400);
});
