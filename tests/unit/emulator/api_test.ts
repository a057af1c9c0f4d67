/** Rules of the API that neither the AWS command line's check nor an end-to-end test would miss. */
import {
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { Bench, clientOf, refused, TARGET } from "./bench.ts";

const GROUPS = "Action=DescribeTargetGroups&Version=2015-12-01";

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
  const targets = at.emulator.calls.map((call) => call.targets);
  assertEquals(targets, [[{ id: TARGET.id }], [{ id: TARGET.id, port: 8080 }]]);
});

Deno.test("RegisterTargets refuses a target that the group cannot have", async () => {
  const cases = [
    [{}, { Id: "fd00::1" }, "IPv4 address"],
    [{ ipAddressType: "ipv6" }, { Id: "10.0.0.1" }, "IPv6 address"],
    [{ targetType: "instance" }, { Id: "10.0.0.1" }, "Instance ID"],
    [{}, { Id: "10.0.0.1", Port: 0 }, "65535"],
    [{}, { Id: "10.0.0.1", AvailabilityZone: "x" }, "'x' is not"],
  ] as const;
  for (const [group, target, words] of cases) {
    await using at = await Bench.start(group);
    await refused(at.register(target), "ValidationError", 400, words);
  }
});

Deno.test("registering beyond the quota is refused until another target is deregistered", async () => {
  await using at = await Bench.start({ quota: 1 });
  at.emulator.registerByOther("kafka", TARGET);
  await refused(at.register({ Id: "10.0.0.2" }), "TooManyTargets", 400, "more than 1 targets");
  await at.register();
  at.emulator.deregisterByOther("kafka", TARGET);
  await at.register({ Id: "10.0.0.2" });
});

Deno.test("a group that serves QUIC needs a server ID for each target, and no other takes one", async () => {
  const [one, other] = ["0x0123456789abcdef", "0xfedcba9876543210"];
  await using quic = await Bench.start({ protocol: "TCP_QUIC" });
  const Id = TARGET.id;
  await refused(quic.register({ Id }), "ValidationError", 400, "is required");
  for (const bad of ["0x0123456789ABCDEF", "0123456789abcdef", "0x0123", ""]) {
    const call = quic.register({ Id, QuicServerId: bad });
    await refused(call, "ValidationError", 400, "is not valid");
  }
  await quic.register({ Id, QuicServerId: one });
  await quic.register({ Id, QuicServerId: one });
  const taken = quic.register({ Id: "10.0.0.2", QuicServerId: one });
  await refused(taken, "ValidationError", 400, "already in use");
  await quic.register({ Id: "10.0.0.2", QuicServerId: other });
  assertEquals(quic.emulator.registered("kafka").map((at) => at.quicServerId), [one, other]);
  await using tcp = await Bench.start();
  await refused(
    tcp.register({ Id, QuicServerId: one }),
    "ValidationError",
    400,
    "the TCP protocol",
  );
});

Deno.test("DescribeTargetHealth finds a target in its own zone alone", async () => {
  await using at = await Bench.start({ registering: 3_600_000 });
  await at.register();
  const registering = "initial Elb.RegistrationInProgress";
  assertEquals(await at.health(), registering);
  assertEquals(await at.health("eu-west-1a"), registering);
  assertEquals(await at.health("eu-west-1b"), "unused Target.NotRegistered");
});

Deno.test("a deleted group is not found", async () => {
  await using at = await Bench.start();
  await at.emulator.deleteGroup("kafka");
  const call = at.client.send(new DescribeTargetHealthCommand({ TargetGroupArn: at.arn }));
  await refused(call, "TargetGroupNotFound", 400);
});

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

Deno.test("a request that no sound client would send is refused", async () => {
  const foreign = { ...headersOf(), "x-amz-security-token": "mine" };
  const cases = [
    [`${GROUPS}&Colour=red`, headersOf(), 400, "ValidationError", "Colour"],
    [`${GROUPS}&Names.member.2=kafka`, headersOf(), 400, "MalformedQueryString", ""],
    [`${GROUPS}&Marker=1&Marker=2`, headersOf(), 400, "MalformedQueryString", ""],
    [GROUPS, {}, 403, "MissingAuthenticationToken", ""],
    [GROUPS, { authorization: "Bearer me" }, 400, "IncompleteSignature", ""],
    [GROUPS, headersOf({ signed: "host" }), 403, "SignatureDoesNotMatch", ""],
    [GROUPS, headersOf({ service: "ec2" }), 403, "SignatureDoesNotMatch", "service"],
    [GROUPS, headersOf({ region: "x" }), 403, "SignatureDoesNotMatch", "region, not"],
    [GROUPS, headersOf({ scopeDate: "1" }), 403, "SignatureDoesNotMatch", "Date in"],
    [GROUPS, headersOf({ date: amzDate(0) }), 403, "SignatureDoesNotMatch", "expired"],
    [GROUPS, headersOf({ date: amzDate(4e12) }), 403, "SignatureDoesNotMatch", "current"],
    [GROUPS, headersOf({ id: "AKIASTRANGER" }), 403, "InvalidClientTokenId", ""],
    [GROUPS, foreign, 403, "InvalidClientTokenId", ""],
  ] as const;
  await using at = await Bench.start();
  for (const [body, headers, status, code, words] of cases) {
    const response = await fetch(at.emulator.url, { method: "POST", body, headers });
    const text = await response.text();
    assertEquals(response.status, status, text);
    assertStringIncludes(text, `<Code>${code}</Code>`);
    assertStringIncludes(text, words);
  }
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
