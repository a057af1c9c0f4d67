/** The API as AWS's own client sees it, and requests that this client would not send. */
import {
  DeregisterTargetsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  waitUntilTargetInService,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { Bench, clientOf, refused, TARGET } from "./bench.ts";

const LOAD_BALANCER =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/emulator/0123456789abcdef";
const UNKNOWN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/no/0123456789abcdef";
const VERSION = "Version=2015-12-01";
const GROUPS = `Action=DescribeTargetGroups&${VERSION}`;

Deno.test("DescribeTargetGroups gives all groups, or those named, with their settings", async () => {
  const health = { check: "http", path: "/up" } as const;
  await using at = await Bench.start({ health, healthCheckPort: 8080 }, {
    groups: [{ name: "edge", inUse: false }],
  });
  const send = async (input: { Names?: string[]; TargetGroupArns?: string[] }) =>
    (await at.client.send(new DescribeTargetGroupsCommand(input))).TargetGroups ?? [];
  assertEquals((await send({})).map((one) => one.TargetGroupName), ["kafka", "edge"]);
  assertEquals((await send({ Names: ["edge"] })).map((one) => one.LoadBalancerArns), [[]]);
  assertEquals(await send({ TargetGroupArns: [at.arn] }), [{
    TargetGroupArn: at.arn,
    TargetGroupName: "kafka",
    Protocol: "TCP",
    Port: 9092,
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
    LoadBalancerArns: [LOAD_BALANCER],
    TargetType: "ip",
    IpAddressType: "ipv4",
  }]);
});

for (
  const [arn, code, words] of [
    [UNKNOWN, "TargetGroupNotFound", UNKNOWN],
    ["kafka", "ValidationError", "'kafka' is not a valid target group ARN"],
    [UNKNOWN.replace("eu-west-1", "us-east-1"), "ValidationError", "is not a valid target group"],
    [UNKNOWN.replace("123456789012", "210987654321"), "ValidationError", "is not a valid target"],
    [undefined, "ValidationError", "targetGroupArn"],
  ] as const
) {
  Deno.test(`every action refuses the group ${arn} with ${code}`, async () => {
    await using at = await Bench.start();
    const { client } = at;
    const input = { TargetGroupArn: arn };
    const targets = { ...input, Targets: [{ Id: TARGET.id }] };
    for (
      const call of [
        client.send(new RegisterTargetsCommand(targets)),
        client.send(new DeregisterTargetsCommand(targets)),
        client.send(new DescribeTargetHealthCommand(input)),
        client.send(new DescribeTargetGroupAttributesCommand(input)),
      ]
    ) await refused(call, code, 400, words);
  });
}

Deno.test("DescribeTargetGroups refuses the whole call for one unknown name", async () => {
  await using at = await Bench.start();
  const call = at.client.send(new DescribeTargetGroupsCommand({ Names: ["kafka", "no"] }));
  const error = await refused(call, "TargetGroupNotFound", 400, "not found");
  assertEquals(error.name, "TargetGroupNotFoundException");
});

Deno.test("RegisterTargets takes the group's port, several ports of one address, and the zone", async () => {
  await using at = await Bench.start();
  await at.register();
  await at.register({ Id: TARGET.id, Port: 8080, AvailabilityZone: "eu-west-1b" });
  const registered = at.emulator.registered("kafka");
  assertEquals(registered.map(({ port, availabilityZone }) => [port, availabilityZone]), [
    [9092, "eu-west-1a"],
    [8080, "eu-west-1b"],
  ]);
  assertEquals(at.emulator.calls.map(({ targets }) => targets), [
    [{ id: TARGET.id }],
    [{ id: TARGET.id, port: 8080 }],
  ]);
  const [{ groupArn, applied, identity } = {}] = at.emulator.calls;
  assertEquals([groupArn, applied, identity], [at.arn, true, "static"]);
});

const IN_VPC = "is within the VPC, and cannot have its Availability Zone overridden to 'all' from";
for (
  const [what, group, target, code, words] of [
    ["a public address", {}, { Id: "8.8.8.8" }, "InvalidTarget", "8.8.8.8"],
    ["an instance", {}, { Id: "i-01234567" }, "ValidationError", "IPv4 address"],
    ["an IPv6 address", {}, { Id: "fd00::1" }, "ValidationError", "IPv4 address"],
    ["IPv4", { ipAddressType: "ipv6" }, { Id: "10.0.0.1" }, "ValidationError", "IPv6 address"],
    ["an IP", { targetType: "instance" }, { Id: "10.0.0.1" }, "ValidationError", "Instance ID"],
    ["port 0", {}, { Id: "10.0.0.1", Port: 0 }, "ValidationError", "65535"],
    ["a bad zone", {}, { Id: "10.0.0.1", AvailabilityZone: "x" }, "ValidationError", "'x' is not"],
    ["all zones", {}, { Id: "10.0.0.1", AvailabilityZone: "all" }, "ValidationError", IN_VPC],
    ["no zone outside the VPC", {}, { Id: "172.16.0.1" }, "ValidationError", "is required for IP"],
  ] as const
) {
  Deno.test(`RegisterTargets refuses ${what} with ${code}: ${JSON.stringify(group)}`, async () => {
    await using at = await Bench.start(group);
    await refused(at.register(target), code, 400, words);
  });
}

for (
  const [group, target] of [
    [{ ipAddressType: "ipv6" }, { Id: "fd00::1" }],
    [{ targetType: "instance" }, { Id: "i-0123456789abcdef0" }],
    [{}, { Id: "172.16.0.1", AvailabilityZone: "all" }],
    [{}, { Id: "192.168.0.1", AvailabilityZone: "eu-west-1c" }],
  ] as const
) {
  Deno.test(`RegisterTargets takes ${JSON.stringify({ ...group, ...target })}`, async () => {
    await using at = await Bench.start(group);
    await at.register(target);
    assertEquals(at.emulator.registered("kafka").map(({ id }) => id), [target.Id]);
  });
}

Deno.test("registering beyond the quota is refused until another target is deregistered", async () => {
  await using at = await Bench.start({ quota: 1 });
  at.emulator.registerByOther("kafka", TARGET);
  await refused(at.register({ Id: "10.0.0.2" }), "TooManyTargets", 400, "more than 1 targets");
  await at.register();
  at.emulator.deregisterByOther("kafka", TARGET);
  await at.register({ Id: "10.0.0.2" });
});

Deno.test("DeregisterTargets succeeds and does nothing for another port or an absent target", async () => {
  await using at = await Bench.start();
  at.emulator.registerByOther("kafka", TARGET);
  const deregister = (Id: string, Port: number) =>
    at.client.send(
      new DeregisterTargetsCommand({ TargetGroupArn: at.arn, Targets: [{ Id, Port }] }),
    );
  await deregister(TARGET.id, 8080);
  await deregister("10.9.9.9", 9092);
  assertEquals(at.emulator.registered("kafka").length, 1);
  await deregister(TARGET.id, 9092);
  assertEquals(at.emulator.registered("kafka"), []);
});

Deno.test("DescribeTargetHealth lists who is registered, and finds a target in its own zone alone", async () => {
  await using at = await Bench.start({ registering: 3_600_000 });
  assertEquals(await at.health(), "unused Target.NotRegistered");
  await at.register();
  const all = await at.client.send(new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }));
  assertEquals(
    all.TargetHealthDescriptions?.map(({ Target, HealthCheckPort }) => [
      ...[Target?.Id, Target?.Port, Target?.AvailabilityZone, HealthCheckPort],
    ]),
    [[TARGET.id, 9092, "eu-west-1a", "9092"]],
  );
  const registering = "initial Elb.RegistrationInProgress";
  assertEquals(await at.health(), registering);
  assertEquals(await at.health("eu-west-1a"), registering);
  assertEquals(await at.health("eu-west-1b"), "unused Target.NotRegistered");
});

Deno.test("DescribeTargetGroupAttributes gives the deregistration delay and what is cut", async () => {
  const cuts = { connectionTermination: true, unhealthyConnectionTermination: false };
  await using at = await Bench.start({ deregistrationDelaySeconds: 120, ...cuts });
  const { Attributes = [] } = await at.client.send(
    new DescribeTargetGroupAttributesCommand({ TargetGroupArn: at.arn }),
  );
  const value = (key: string) => Attributes.find(({ Key }) => Key === key)?.Value;
  assertEquals(value("deregistration_delay.timeout_seconds"), "120");
  assertEquals(value("deregistration_delay.connection_termination.enabled"), "true");
  assertEquals(value("target_health_state.unhealthy.connection_termination.enabled"), "false");
});

Deno.test("AWS's own waiter ends when a target is in service; a deleted group is not found", async () => {
  await using at = await Bench.start();
  await at.register();
  const input = { TargetGroupArn: at.arn, Targets: [{ Id: TARGET.id }] };
  const { state } = await waitUntilTargetInService({ client: at.client, maxWaitTime: 30 }, input);
  assertEquals(state, "SUCCESS");
  await at.emulator.deleteGroup("kafka");
  const call = at.client.send(new DescribeTargetHealthCommand(input));
  await refused(call, "TargetGroupNotFound", 400);
});

for (
  const [group, words] of [
    [{ name: "-a", port: 0, timeScale: 0 }, 'group "-a": a name is at most 32 letters, digits'],
    [{ port: 0, timeScale: 0 }, "port 0 is not within 1 and 65535; a time scale is more than 0"],
    [{ healthCheckIntervalSeconds: 5, healthCheckTimeoutSeconds: 6 }, "6 s is above its interval"],
    [{ listener: true, inUse: false }, "a group that no load balancer uses has no listener"],
    [{ listener: true, protocol: "UDP" }, "only TCP to targets of type ip"],
    [{ nodes: ["10.0.0.1"] }, "nodes [10.0.0.1] are not IPv4 loopback"],
    [{ sendsAfterDeregistration: -1 }, "sendsAfterDeregistration is -1, not a time from 0"],
  ] as const
) {
  Deno.test(`a group that cannot be is refused: ${JSON.stringify(group)}`, async () => {
    await assertRejects(() => Bench.start(group), RangeError, words);
  });
}

/** What the headers of a call say; by default what they should. */
function headersOf(
  { date = amzDate(), id = "AKIAIOSFODNN7EXAMPLE", ...given }: Readonly<Record<string, string>> =
    {},
): Record<string, string> {
  const { scopeDate = date.slice(0, 8), region = "eu-west-1", signed = "host;x-amz-date" } = given;
  const scope = [id, scopeDate, region, given["service"] ?? "elasticloadbalancing"].join("/");
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-amz-date": date,
    "authorization": `AWS4-HMAC-SHA256 Credential=${scope}/aws4_request, ` +
      `SignedHeaders=${signed}, Signature=${"0".repeat(64)}`,
  };
}

/** A moment as `x-amz-date` has it. */
function amzDate(time = Date.now()): string {
  return new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

async function post(at: Bench, body: string, headers = headersOf()) {
  const response = await fetch(at.emulator.url, { method: "POST", body, headers });
  return { response, text: await response.text() };
}

for (
  const [what, body, code, words] of [
    ["an unknown action", `Action=CreateWorld&${VERSION}`, "InvalidAction", "CreateWorld"],
    ["a name of every object", `Action=toString&${VERSION}`, "InvalidAction", "toString"],
    ["no action", VERSION, "MissingAction", ""],
    ["no version", "Action=DescribeTargetGroups", "InvalidAction", "NO_VERSION_SPECIFIED"],
    ["an unknown parameter", `${GROUPS}&Colour=red`, "ValidationError", "Colour"],
    ["a field of an unknown structure", `${GROUPS}&Names.member.1.x=1`, "MalformedQueryString", ""],
    ["a gap in a list", `${GROUPS}&Names.member.2=kafka`, "MalformedQueryString", ""],
    ["a parameter twice", `${GROUPS}&Marker=1&Marker=2`, "MalformedQueryString", ""],
    [
      "an empty list of targets",
      `Action=RegisterTargets&${VERSION}&TargetGroupArn=${encodeURIComponent(UNKNOWN)}`
        .replace("%2Fno%2F", "%2Fkafka%2F") + "&Targets=",
      ...["ValidationError", "At least one target"] as const,
    ],
  ] as const
) {
  Deno.test(`a request with ${what} is answered 400 and ${code}`, async () => {
    await using at = await Bench.start();
    const { response, text } = await post(at, body);
    assertEquals(response.status, 400);
    assertStringIncludes(text, `<Code>${code}</Code>`);
    assertStringIncludes(text, words);
  });
}

const STRANGER = { id: "AKIASTRANGER" };
for (
  const [what, headers, status, code, words] of [
    ["no signature", {}, 403, "MissingAuthenticationToken", ""],
    ["another scheme", { authorization: "Bearer me" }, 400, "IncompleteSignature", ""],
    ["no signed date", headersOf({ signed: "host" }), 403, "SignatureDoesNotMatch", ""],
    ["no date", headersOf({ date: "yesterday" }), 400, "IncompleteSignature", "yesterday"],
    ["another service", headersOf({ service: "ec2" }), 403, "SignatureDoesNotMatch", "service"],
    ["another region", headersOf({ region: "x" }), 403, "SignatureDoesNotMatch", "region, not"],
    ["another day", headersOf({ scopeDate: "1" }), 403, "SignatureDoesNotMatch", "Date in"],
    ["an unknown key", headersOf(STRANGER), 403, "InvalidClientTokenId", ""],
    [
      "a foreign session token",
      { ...headersOf(), "x-amz-security-token": "mine" },
      ...[403, "InvalidClientTokenId", ""] as const,
    ],
    ["an old date", headersOf({ date: amzDate(0) }), 403, "SignatureDoesNotMatch", "expired"],
    ["a late date", headersOf({ date: amzDate(4e12) }), 403, "SignatureDoesNotMatch", "current"],
  ] as const
) {
  Deno.test(`a request with ${what} is refused with ${status} and ${code}`, async () => {
    await using at = await Bench.start();
    const { response, text } = await post(at, GROUPS, headers);
    assertEquals(response.status, status, text);
    assertStringIncludes(text, `<Code>${code}</Code>`);
    assertStringIncludes(text, words);
  });
}

Deno.test("replies have the shape of AWS's; a query by GET is answered as well", async () => {
  await using at = await Bench.start();
  const { response, text } = await post(
    at,
    `Action=RegisterTargets&${VERSION}&TargetGroupArn=${encodeURIComponent(at.arn)}` +
      "&Targets.member.1.Id=10.0.0.1",
  );
  const namespace = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"';
  const id = response.headers.get("x-amzn-requestid");
  assertEquals(
    text,
    `<RegisterTargetsResponse ${namespace}><RegisterTargetsResult/>` +
      `<ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></RegisterTargetsResponse>`,
  );
  const error = await post(at, `${GROUPS}&%3C=1`);
  assertMatch(
    error.text,
    /^<ErrorResponse xmlns="[^"]+"><Error><Type>Sender<\/Type><Code>ValidationError<\/Code><Message>Unknown parameter: &lt;<\/Message><\/Error><RequestId>[0-9a-f-]{36}<\/RequestId><\/ErrorResponse>$/,
  );
  const get = await fetch(`${at.emulator.url}/?${GROUPS}`, { headers: headersOf() });
  assertStringIncludes(await get.text(), "<TargetGroupName>kafka</TargetGroupName>");
});

Deno.test("the SDK follows a clock that is off, by the Date of the refusal", async () => {
  await using emulator = await startEmulator({
    groups: [{ name: "kafka" }],
    faults: [{ what: "clock-skew", seconds: 3600 }],
  });
  const client = clientOf(emulator, undefined, 2);
  await client.send(new DescribeTargetGroupsCommand({}));
  client.destroy();
  const outcomes = emulator.calls.map(({ status, code }) => code ?? status);
  assertEquals(outcomes, ["SignatureDoesNotMatch", 200]);
});

Deno.test("connections are kept alive and counted; other paths are no calls", async () => {
  await using at = await Bench.start();
  await at.describe();
  await at.describe();
  at.client.destroy();
  await at.describe();
  const response = await fetch(`${at.emulator.url}/somewhere`);
  await response.body?.cancel();
  assertEquals(response.status, 404);
  assertEquals(at.emulator.calls.map(({ connection }) => connection), [1, 1, 2]);
});
