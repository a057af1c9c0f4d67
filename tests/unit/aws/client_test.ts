import { assertEquals, assertRejects } from "@std/assert";
import { createClient, type SdkPort } from "../../../lib/aws/client.ts";
import { ApiError, isGroupNotFound } from "../../../lib/aws/errors.ts";
import { answer, ARN, failure, result, type Script, ScriptedApi, TARGET } from "./_api.ts";

const forEver = () => ({ signal: new AbortController().signal });

/** An API, and a client of it. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly api: ScriptedApi,
    readonly client: SdkPort,
  ) {}

  static async start(script: Script): Promise<Bench> {
    const api = await ScriptedApi.start(script);
    return new Bench(api, createClient({ region: "eu-west-1", endpointUrl: api.url }));
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

const group = (name: string) =>
  `<TargetGroups><member><TargetGroupArn>arn-of-${name}</TargetGroupArn>` +
  `<TargetGroupName>${name}</TargetGroupName><TargetType>ip</TargetType></member></TargetGroups>`;

Deno.test("a target group is told with all its settings", async () => {
  await using bench = await Bench.start(contents(
    `<TargetGroups><member><TargetGroupArn>${ARN}</TargetGroupArn>
      <TargetGroupName>kafka</TargetGroupName><Protocol>TCP</Protocol><Port>9092</Port>
      <TargetType>ip</TargetType><IpAddressType>ipv6</IpAddressType>
      <HealthCheckEnabled>false</HealthCheckEnabled>
      <HealthCheckIntervalSeconds>10</HealthCheckIntervalSeconds>
      <HealthyThresholdCount>3</HealthyThresholdCount>
      <UnhealthyThresholdCount>4</UnhealthyThresholdCount>
      <LoadBalancerArns><member>lb</member></LoadBalancerArns></member></TargetGroups>`,
  ));
  assertEquals(await bench.client.describeTargetGroups({ names: ["kafka", "edge"] }, forEver()), [{
    arn: ARN,
    name: "kafka",
    targetType: "ip",
    ipAddressType: "ipv6",
    port: 9092,
    protocol: "TCP",
    healthCheck: {
      enabled: false,
      intervalSeconds: 10,
      healthyThreshold: 3,
      unhealthyThreshold: 4,
    },
    loadBalancerArns: ["lb"],
  }]);
  assertEquals(bench.params(), { "Names.member.1": "kafka", "Names.member.2": "edge" });
});

Deno.test("what the API does not tell of a target group is as in a new one", async () => {
  await using bench = await Bench.start(contents(group("kafka")));
  assertEquals(await bench.client.describeTargetGroups({ names: ["kafka"] }, forEver()), [{
    arn: "arn-of-kafka",
    name: "kafka",
    targetType: "ip",
    ipAddressType: "ipv4",
    healthCheck: { enabled: true, intervalSeconds: 30, healthyThreshold: 5, unhealthyThreshold: 2 },
    loadBalancerArns: [],
  }]);
});

Deno.test("all pages are fetched, those that are empty too", async () => {
  await using bench = await Bench.start(contents(
    `${group("one")}<NextMarker>m1==</NextMarker>`,
    "<TargetGroups/><NextMarker>m2</NextMarker>",
    group("three"),
  ));
  const groups = await bench.client.describeTargetGroups({ names: ["one", "three"] }, forEver());
  assertEquals(groups.map(({ name }) => name), ["one", "three"]);
  assertEquals([0, 1, 2].map((number) => bench.params(number)["Marker"]), [
    undefined,
    "m1==",
    "m2",
  ]);
});

for (const content of ["", "<TargetGroups/>"]) {
  Deno.test(`no groups are no fault: ${content || "nothing"}`, async () => {
    await using bench = await Bench.start(contents(content));
    assertEquals(await bench.client.describeTargetGroups({ names: ["kafka"] }, forEver()), []);
  });
}

const TARGETS = [
  [{ id: "10.0.0.1" }, { Id: "10.0.0.1" }],
  [{ id: "10.0.0.1", port: 9093 }, { Id: "10.0.0.1", Port: "9093" }],
  [{ id: "10.0.0.1", port: 9093, availabilityZone: "all" }, {
    Id: "10.0.0.1",
    Port: "9093",
    AvailabilityZone: "all",
  }],
] as const;

for (const [target, sent] of TARGETS) {
  Deno.test(`${JSON.stringify(target)} is named alike in every call`, async () => {
    const health = "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id></Target>" +
      "<TargetHealth><State>healthy</State></TargetHealth></member></TargetHealthDescriptions>";
    await using bench = await Bench.start(contents("", "", health));
    await bench.client.registerTarget(ARN, target, forEver());
    await bench.client.deregisterTarget(ARN, target, forEver());
    await bench.client.describeTargetHealth(ARN, target, forEver());
    const expected = Object.fromEntries(
      Object.entries(sent).map(([key, value]) => [`Targets.member.1.${key}`, value]),
    );
    for (const number of [0, 1, 2]) {
      assertEquals(bench.params(number), { TargetGroupArn: ARN, ...expected });
    }
    assertEquals(bench.api.actions, [
      "RegisterTargets",
      "DeregisterTargets",
      "DescribeTargetHealth",
    ]);
  });
}

function healthOf(...targets: readonly (readonly [string, string])[]): string {
  const members = targets.map(([id, rest]) =>
    `<member><Target><Id>${id}</Id></Target><TargetHealth>${rest}</TargetHealth></member>`
  );
  return `<TargetHealthDescriptions>${members.join("")}</TargetHealthDescriptions>`;
}

Deno.test("the health is that of our target, with reason and description", async () => {
  await using bench = await Bench.start(contents(healthOf(
    ["10.0.0.9", "<State>healthy</State>"],
    ["10.0.0.1", "<State>initial</State><Reason>Elb.R</Reason><Description>D</Description>"],
  )));
  assertEquals(await bench.client.describeTargetHealth(ARN, TARGET, forEver()), {
    target: TARGET,
    state: "initial",
    reason: "Elb.R",
    description: "D",
  });
});

Deno.test("health without a reason has none", async () => {
  await using bench = await Bench.start(contents(
    healthOf(["10.0.0.1", "<State>healthy</State>"]),
  ));
  assertEquals(await bench.client.describeTargetHealth(ARN, TARGET, forEver()), {
    target: TARGET,
    state: "healthy",
  });
});

const SAYS_NOTHING = {
  "no list": "",
  "an empty list": "<TargetHealthDescriptions/>",
  "another target": healthOf(["10.0.0.11", "<State>healthy</State>"]),
  "no state": healthOf(["10.0.0.1", ""]),
};

for (const [what, content] of Object.entries(SAYS_NOTHING)) {
  Deno.test(`a reply with ${what} does not tell the health: to be asked for again`, async () => {
    await using bench = await Bench.start(contents(content));
    const asking = bench.client.describeTargetHealth(ARN, TARGET, forEver());
    const fault = await assertRejects(() => asking, ApiError);
    assertEquals([fault.code, fault.retryable], ["UnexpectedReply", true]);
    assertEquals(fault.message, "DescribeTargetHealth: the reply says nothing of 10.0.0.1");
  });
}

Deno.test("a group that is not there is known as such", async () => {
  await using bench = await Bench.start((_, exchange) =>
    answer(exchange, failure("TargetGroupNotFound"), { status: 400 })
  );
  const asking = bench.client.describeTargetGroups({ names: ["kafka"] }, forEver());
  assertEquals(isGroupNotFound(await assertRejects(() => asking, ApiError)), true);
  assertEquals(isGroupNotFound(new Error("TargetGroupNotFound")), false);
});

Deno.test("an ended signal means no request, and its reason", async () => {
  await using bench = await Bench.start(contents());
  const signal = AbortSignal.abort(new Error("stop"));
  let sent = 0;
  const calling = bench.client.registerTarget(ARN, TARGET, { signal, onSend: () => sent++ });
  await assertRejects(() => calling, Error, "stop");
  assertEquals([sent, bench.api.actions], [0, []]);
});

Deno.test("a stop before the request goes out ends the call with its reason, for good", async () => {
  await using bench = await Bench.start(contents(""));
  const stop = new AbortController();
  let sent = 0;
  const calling = bench.client.registerTarget(ARN, TARGET, {
    signal: stop.signal,
    onSend: () => sent++,
  });
  stop.abort(new RangeError("stop"));
  await assertRejects(() => calling, RangeError, "stop");
  // What went out all the same would be there before this one.
  await bench.client.deregisterTarget(ARN, TARGET, forEver());
  assertEquals([sent, bench.api.actions], [0, ["DeregisterTargets"]]);
});

Deno.test("a time that is up before the request goes out is a fault of the credentials", async () => {
  await using bench = await Bench.start(contents(""));
  const time = new AbortController();
  const calling = bench.client.deregisterTarget(ARN, TARGET, { signal: time.signal });
  time.abort(new DOMException("Signal timed out.", "TimeoutError"));
  const fault = await assertRejects(() => calling, ApiError);
  assertEquals([fault.code, fault.retryable, fault.effect], ["NoCredentials", true, "none"]);
  await bench.client.deregisterTarget(ARN, TARGET, forEver());
  assertEquals(bench.api.received.length, 1);
});

Deno.test("a signal that ends while a call is on its way ends it with its reason", async () => {
  const stop = new AbortController();
  await using bench = await Bench.start(() => stop.abort(new RangeError("stop")));
  let sent = 0;
  const calling = bench.client.registerTarget(ARN, TARGET, {
    signal: stop.signal,
    onSend: () => sent++,
  });
  await assertRejects(() => calling, RangeError, "stop");
  assertEquals(sent, 1);
});

Deno.test("a time that is up while a call is on its way is the signal's reason, not a fault", async () => {
  const time = new AbortController();
  const up = new DOMException("Signal timed out.", "TimeoutError");
  await using bench = await Bench.start(() => time.abort(up));
  const calling = bench.client.registerTarget(ARN, TARGET, { signal: time.signal });
  assertEquals(await assertRejects(() => calling, DOMException), up);
});

Deno.test("each call says once that it is sent, before it arrives", async () => {
  const order: string[] = [];
  await using bench = await Bench.start((received, exchange) => {
    order.push(`got ${received.action}`);
    return contents("")(received, exchange);
  });
  const options = (name: string) => ({ ...forEver(), onSend: () => order.push(name) });
  await bench.client.registerTarget(ARN, TARGET, options("register"));
  await bench.client.deregisterTarget(ARN, TARGET, options("deregister"));
  assertEquals(order, ["register", "got RegisterTargets", "deregister", "got DeregisterTargets"]);
});

Deno.test("to warm up is to send nothing, before a target is registered and after", async () => {
  await using bench = await Bench.start(contents("", ""));
  bench.client.warmUp();
  await bench.client.registerTarget(ARN, TARGET, forEver());
  bench.client.warmUp();
  await bench.client.deregisterTarget(ARN, TARGET, forEver());
  assertEquals(bench.api.received.map(({ action }) => action), [
    "RegisterTargets",
    "DeregisterTargets",
  ]);
});
