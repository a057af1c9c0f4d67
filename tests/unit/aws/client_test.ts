import { assert, assertEquals, assertRejects } from "@std/assert";
import { SdkLoadBalancing } from "../../../lib/aws/client.ts";
import { KeptLog } from "../kept_log.ts";
import { ApiError } from "../../../lib/aws/errors.ts";
import { test } from "../../test.ts";
import { answer, ARN, result, type Script, ScriptedApi, TARGET } from "./_api.ts";

const forEver = () => ({ signal: new AbortController().signal });
const KAFKA = { names: ["kafka"] };

/** An API, and a client of it. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly api: ScriptedApi,
    readonly client: SdkLoadBalancing,
  ) {}

  static async start(script: Script): Promise<Bench> {
    const api = await ScriptedApi.start(script);
    return new Bench(
      api,
      new SdkLoadBalancing({ region: "eu-west-1", endpointUrl: api.url }, new KeptLog()),
    );
  }

  /** The parameters of a request, but for its action and version. */
  params(number = 0): Record<string, string> {
    const { Action: _, Version: __, ...rest } = Object.fromEntries(
      this.api.received[number]?.params ?? [],
    );
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.api[Symbol.asyncDispose]();
  }
}

/** Gives one content after the other. */
function contents(...all: readonly string[]): Script {
  const left = [...all];
  return ({ action }, exchange) => answer(exchange, result(action, left.shift()));
}

const group = (name: string, more = "") =>
  `<TargetGroups><member><TargetGroupArn>arn-of-${name}</TargetGroupArn><TargetType>ip</TargetType>
    <TargetGroupName>${name}</TargetGroupName>${more}</member></TargetGroups>`;

test("describeTargetGroups() reports all settings of a group, or those of a new one", async () => {
  const settings = `<Protocol>TCP</Protocol><Port>9092</Port><IpAddressType>ipv6</IpAddressType>
      <HealthCheckEnabled>false</HealthCheckEnabled>
      <HealthCheckIntervalSeconds>10</HealthCheckIntervalSeconds>
      <HealthyThresholdCount>3</HealthyThresholdCount>
      <UnhealthyThresholdCount>4</UnhealthyThresholdCount>
      <LoadBalancerArns><member>lb</member></LoadBalancerArns>`;
  await using bench = await Bench.start(contents(group("kafka", settings), group("kafka")));
  const names = { names: ["kafka", "edge"] };
  assertEquals(await bench.client.describeTargetGroups(names, forEver()), [{
    ...{ arn: "arn-of-kafka", name: "kafka", targetType: "ip", ipAddressType: "ipv6" },
    ...{ port: 9092, protocol: "TCP", loadBalancerArns: ["lb"] },
    healthCheck: {
      enabled: false,
      intervalSeconds: 10,
      healthyThreshold: 3,
      unhealthyThreshold: 4,
    },
  }]);
  assertEquals(bench.params(), { "Names.member.1": "kafka", "Names.member.2": "edge" });
  assertEquals(await bench.client.describeTargetGroups({ arns: ["a"] }, forEver()), [{
    ...{ arn: "arn-of-kafka", name: "kafka", targetType: "ip", ipAddressType: "ipv4" },
    loadBalancerArns: [],
    healthCheck: { enabled: true, intervalSeconds: 30, healthyThreshold: 5, unhealthyThreshold: 2 },
  }]);
  assertEquals(bench.params(1), { "TargetGroupArns.member.1": "a" });
});

test("settings that the API does not allow count as missing", async () => {
  const delay = (value: string) =>
    "<Attributes><member><Key>deregistration_delay.timeout_seconds</Key>" +
    `<Value>${value}</Value></member></Attributes>`;
  const values = ["-1", "3601", "1e300", "NaN", ""];
  const settings = "<HealthCheckIntervalSeconds>0</HealthCheckIntervalSeconds>" +
    "<HealthyThresholdCount>1e9</HealthyThresholdCount>";
  await using bench = await Bench.start(
    contents(delay("120"), ...values.map(delay), group("kafka", settings)),
  );
  const { deregistrationDelay } = await bench.client.groupAttributes(ARN, forEver());
  assertEquals(deregistrationDelay, 120_000);
  for (const _ of values) {
    await assertRejects(() => bench.client.groupAttributes(ARN, forEver()), ApiError);
  }
  const [kafka] = await bench.client.describeTargetGroups(KAFKA, forEver());
  const { intervalSeconds, healthyThreshold } = kafka?.healthCheck ?? {};
  assertEquals([intervalSeconds, healthyThreshold], [30, 5]);
});

test("describeTargetGroups() fetches all pages, empty ones too, but not without end", async () => {
  const pages = [
    `${group("one")}<NextMarker>m1==</NextMarker>`,
    "<TargetGroups/><NextMarker>m2</NextMarker>",
    group("three"),
  ];
  await using bench = await Bench.start(contents(...pages, "", "<TargetGroups/>"));
  const groups = await bench.client.describeTargetGroups(KAFKA, forEver());
  assertEquals(groups.map(({ name }) => name), ["one", "three"]);
  assertEquals([0, 1, 2].map((page) => bench.params(page)["Marker"]), [undefined, "m1==", "m2"]);
  for (const _ of ["no list", "an empty list"]) {
    assertEquals(await bench.client.describeTargetGroups(KAFKA, forEver()), []);
  }

  await using endless = await Bench.start(({ action }, exchange) =>
    answer(exchange, result(action, "<NextMarker>more</NextMarker>"))
  );
  await endless.client.describeTargetGroups(KAFKA, forEver());
  assertEquals(endless.api.received.length, 10);
});

function healthOf(...targets: readonly (readonly [string, string])[]): string {
  const members = targets.map(([id, rest]) =>
    `<member><Target><Id>${id}</Id></Target><TargetHealth>${rest}</TargetHealth></member>`
  );
  return `<TargetHealthDescriptions>${members.join("")}</TargetHealthDescriptions>`;
}

test("describeTargetHealth() tells of an override, where there is one", async () => {
  const overridden = (state: string) =>
    "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id></Target><TargetHealth>" +
    "<State>healthy</State></TargetHealth><AdministrativeOverride>" +
    `<State>${state}</State></AdministrativeOverride></member></TargetHealthDescriptions>`;
  await using bench = await Bench.start(
    contents(...["no_override", "zonal_shift_active"].map(overridden)),
  );
  const target = { id: "10.0.0.1" };
  const seen = [
    await bench.client.describeTargetHealth(ARN, target, forEver()),
    await bench.client.describeTargetHealth(ARN, target, forEver()),
  ];
  const healthy = { target, state: "healthy" };
  assertEquals(seen, [healthy, { ...healthy, override: "zonal_shift_active" }]);
});

const HEALTHY = "<State>healthy</State>";

test("a target's zone goes to RegisterTargets and DeregisterTargets, never to DescribeTargetHealth", async () => {
  const [Id, Port, AvailabilityZone] = ["10.0.0.1", "9093", "all"];
  const targets = [
    [{ id: Id }, { Id }, { Id }],
    [{ id: Id, port: 9093 }, { Id, Port }, { Id, Port }],
    [
      { id: Id, port: 9093, availabilityZone: "all" },
      { Id, Port, AvailabilityZone },
      { Id, Port },
    ],
  ] as const;
  const named = (target: object) =>
    Object.fromEntries(
      Object.entries(target).map(([key, value]) => [`Targets.member.1.${key}`, value]),
    );
  for (const [target, registered, described] of targets) {
    await using bench = await Bench.start(contents("", "", healthOf([Id, HEALTHY])));
    await bench.client.registerTarget(ARN, target, forEver());
    await bench.client.deregisterTarget(ARN, target, forEver());
    const health = await bench.client.describeTargetHealth(ARN, target, forEver());
    assertEquals(health.target, target);
    assertEquals([0, 1, 2].map((number) => bench.params(number)), [
      { TargetGroupArn: ARN, ...named(registered) },
      { TargetGroupArn: ARN, ...named(registered) },
      { TargetGroupArn: ARN, ...named(described) },
    ]);
    assertEquals(bench.api.actions, [
      ...["RegisterTargets", "DeregisterTargets", "DescribeTargetHealth"],
    ]);
  }
});

test("describeTargetHealth() reports our target's state, and reason and description if any", async () => {
  const initial = "<State>initial</State><Reason>Elb.R</Reason><Description>D</Description>";
  await using bench = await Bench.start(contents(
    healthOf(["10.0.0.9", HEALTHY], ["10.0.0.1", initial]),
    healthOf(["10.0.0.1", HEALTHY]),
    healthOf(["10.0.0.1", `<State>${"s".repeat(9_000)}</State>`]),
  ));
  const describe = () => bench.client.describeTargetHealth(ARN, TARGET, forEver());
  const reason = { reason: "Elb.R", description: "D" };
  assertEquals(await describe(), { target: TARGET, state: "initial", ...reason });
  assertEquals(await describe(), { target: TARGET, state: "healthy" });
  assert((await describe()).state.length < 100);
});

test("a reply that does not report our target's health is an error that may pass", async () => {
  const replies = [
    ...["", "<TargetHealthDescriptions/>"],
    ...[healthOf(["10.0.0.11", HEALTHY]), healthOf(["10.0.0.1", ""])],
  ];
  for (const reply of replies) {
    await using bench = await Bench.start(contents(reply));
    const describing = bench.client.describeTargetHealth(ARN, TARGET, forEver());
    const error = await assertRejects(() => describing, ApiError);
    assertEquals([error.code, error.retryable], ["UnexpectedReply", true]);
    assertEquals(error.message, "DescribeTargetHealth: the reply does not contain 10.0.0.1");
  }
});

test("a stop before the request goes out means no request, and its reason is thrown", async () => {
  await using bench = await Bench.start(contents(""));
  let sent = 0;
  const reason = new RangeError("stop");
  for (const isEarly of [true, false]) {
    const stop = new AbortController();
    if (isEarly) stop.abort(reason);
    const { signal } = stop;
    const calling = bench.client.registerTarget(ARN, TARGET, { signal, onSend: () => sent++ });
    stop.abort(reason);
    await assertRejects(() => calling, RangeError, "stop");
  }
  // What went out all the same would be there before this one.
  await bench.client.deregisterTarget(ARN, TARGET, forEver());
  assertEquals([sent, bench.api.actions], [0, ["DeregisterTargets"]]);
});

test("a time that is up before the request goes out is an error of the credentials", async () => {
  await using bench = await Bench.start(contents(""));
  const time = new AbortController();
  const calling = bench.client.deregisterTarget(ARN, TARGET, { signal: time.signal });
  time.abort(new DOMException("Signal timed out.", "TimeoutError"));
  const error = await assertRejects(() => calling, ApiError);
  assertEquals([error.code, error.retryable, error.effect], ["NoCredentials", true, "none"]);
  await bench.client.deregisterTarget(ARN, TARGET, forEver());
  assertEquals(bench.api.received.length, 1);
});

test("a signal that ends while a call is in flight ends it with its reason", async () => {
  const reasons = [new RangeError("stop"), new DOMException("Signal timed out.", "TimeoutError")];
  for (const reason of reasons) {
    const stop = new AbortController();
    await using bench = await Bench.start(() => stop.abort(reason));
    const calling = bench.client.registerTarget(ARN, TARGET, { signal: stop.signal });
    assertEquals(await calling.catch((error) => error), reason);
  }
});
