import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TargetGroup } from "../../../lib/aws/elb.ts";
import type { GroupReference } from "../../../lib/config/target.ts";
import { Failure } from "../../../lib/host/exit.ts";
import { type Attachment, resolveGroups } from "../../../lib/registration/resolve.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { arnOf, FakeLoadBalancer, GROUP_PORT } from "../fake_load_balancer.ts";
import { KeptLog } from "../kept_log.ts";

function byName(name: string, port?: number): GroupReference {
  return { by: "name", name, ...(port !== undefined && { port }) };
}

const BY_ARN: GroupReference = {
  ...{ by: "arn", arn: arnOf("b"), name: "b", region: "eu-west-1", partition: "aws" },
};

/** Resolves groups; all of them exist, unless `setUp` changes that. */
async function resolve(
  references: readonly GroupReference[],
  setUp: (elb: FakeLoadBalancer) => void = () => {},
  { ids = ["10.0.0.1"], lookUp = false, stop = new AbortController().signal } = {},
) {
  const clock = new VirtualClock();
  const elb = new FakeLoadBalancer(clock, references.map(({ name }) => name));
  setUp(elb);
  const options = { elb, clock, log: new KeptLog(), time: 60_000, stop, region: "eu-west-1" };
  const result = clock.run(resolveGroups(references, { ids, lookUp }, options));
  const outcome: Attachment[] | Error = await result.catch((error) => error);
  return { outcome, calls: elb.calls.map(({ group }) => group), clock };
}

/** The group's name and the target, of all that was resolved. */
async function resolved(...given: Parameters<typeof resolve>) {
  const { outcome, calls } = await resolve(...given);
  if (outcome instanceof Error) throw outcome;
  return { found: outcome.map(({ group, target }) => [group.name, target]), calls };
}

async function failure(...given: Parameters<typeof resolve>) {
  const { outcome, ...rest } = await resolve(...given);
  assert(outcome instanceof Failure);
  assertEquals(outcome.exit, "groupNotResolved");
  return { message: outcome.message, ...rest };
}

const target = { id: "10.0.0.1" };

Deno.test("resolveGroups() requests up to 20 names in a call", async () => {
  const names = Array.from({ length: 45 }, (_, index) => `group-${index}-`);
  const { found, calls } = await resolved(names.map((name) => byName(name)));
  assertEquals(found, names.map((name) => [name, target]));
  assertEquals(calls.map((call) => call.split(",").length), [20, 20, 5]);
});

Deno.test("resolveGroups() takes an ARN as it is, in its place among the names", async () => {
  const { found, calls } = await resolved([byName("a"), BY_ARN, byName("c")]);
  assertEquals(found.map(([name]) => name), ["a", "b", "c"]);
  assertEquals(calls, ["a,c"]);
  assertEquals((await resolved([BY_ARN])).calls, [], "ARNs alone need no call");
});

Deno.test("resolveGroups() gives each group the address of its type, and its ports", async () => {
  const { found } = await resolved(
    [byName("v4"), byName("v6"), byName("v4", 9093)],
    undefined,
    { ids: ["10.0.0.1", "2001:db8::1"] },
  );
  assertEquals(found, [["v4", target], ["v6", { id: "2001:db8::1" }], [
    "v4",
    { ...target, port: 9093 },
  ]]);
});

Deno.test("resolveGroups() names the group that does not exist, or is given twice", async () => {
  const missing = await failure(
    ["a", "b", "c"].map((name) => byName(name)),
    (elb) => elb.states.delete("b"),
  );
  assertMatch(missing.message, /^target group b does not exist in region eu-west-1/);
  const twice = await failure([byName("a"), byName("a", GROUP_PORT)]);
  assertMatch(twice.message, /^target group a is given twice with the same port \(9092\)/);
});

Deno.test("resolveGroups() tries again until its time is up, but not what is final", async () => {
  const unavailable = await failure([byName("a")], (elb) => {
    elb.failing = () => ({ code: "ServiceUnavailable", retryable: true });
  });
  assertMatch(unavailable.message, /ServiceUnavailable \(tried for 1m0s, -resolve-timeout\)$/);
  assert(unavailable.calls.length > 5 && unavailable.clock.now() <= 60_000);
  const denied = await failure([byName("a")], (elb) => {
    elb.failing = () => ({ code: "AccessDenied", retryable: false });
  });
  assertEquals(denied.message, "DescribeTargetGroups: AccessDenied");
  assertEquals(denied.calls.length, 1);
});

Deno.test("resolveGroups() ends with the reason of a stop", async () => {
  const stop = AbortSignal.abort(new Error("stop"));
  const { outcome, calls } = await resolve([byName("a")], undefined, { stop });
  assertEquals(String(outcome), "Error: stop");
  assertEquals(calls, []);
});

/** A group, a target ID of another type, and what the error says. */
const MISMATCHES: readonly (readonly [Partial<TargetGroup>, string, RegExp])[] = [
  [{}, "i-1234abcd", /takes IPv4 targets, but -target-id is i-1234abcd: set it to the pod's IPv4/],
  [{ ipAddressType: "ipv6" }, "10.0.0.1", /takes IPv6 targets, .* set it to the pod's IPv6/],
  [{ targetType: "instance" }, "::1", /takes instance targets, .* use a group of type ip/],
  [
    { targetType: "alb" },
    "10.0.0.1",
    /kafka takes an Application Load Balancer as its target: use/,
  ],
  [{ targetType: "lambda" }, "10.0.0.1", /kafka takes a Lambda function as its target: use/],
  [{ protocol: "GENEVE" }, "10.0.0.1", /kafka belongs to a Gateway Load Balancer, whose targets/],
];

Deno.test("resolveGroups() says what to do about a target ID that the group does not take", async () => {
  for (const [settings, id, says] of MISMATCHES) {
    const byArn = { ...BY_ARN, name: "kafka", arn: arnOf("kafka") } as const;
    for (const reference of [byName("kafka"), byArn]) {
      const given = { ids: [id], lookUp: true };
      const { message } = await failure([reference], (elb) => elb.settings = settings, given);
      assertMatch(message, says);
    }
  }
});
