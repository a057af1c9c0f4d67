import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { ElasticLoadBalancing, TargetGroup } from "../../../lib/aws/elb.ts";
import { ApiError } from "../../../lib/aws/errors.ts";
import { Failure } from "../../../lib/host/exit.ts";
import type { GroupReference } from "../../../lib/config/target.ts";
import { resolveGroups } from "../../../lib/registration/resolve.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

const SECOND = 1_000;

function arnOf(name: string): string {
  return `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/${name}/0123456789abcdef`;
}

function byName(name: string): GroupReference {
  return { by: "name", name };
}

function existing(name: string): TargetGroup {
  return {
    arn: arnOf(name),
    name,
    targetType: "ip",
    ipAddressType: "ipv4",
    healthCheck: { enabled: true, intervalSeconds: 10, healthyThreshold: 2, unhealthyThreshold: 2 },
    loadBalancerArns: [],
  };
}

function fault(code: string, retryable: boolean): ApiError {
  const call = "DescribeTargetGroups";
  return new ApiError(`${code}: no`, { call, code, retryable, effect: "none" });
}

/** Resolves against an API that knows the groups for which `exists` holds. */
function resolve(
  references: readonly GroupReference[],
  exists: (name: string) => boolean,
  { failing, stop = new AbortController().signal, id = "10.0.0.1", group }: {
    failing?: ApiError;
    stop?: AbortSignal;
    id?: string;
    group?: Partial<TargetGroup>;
  } = {},
) {
  const clock = new VirtualClock();
  const calls: (readonly string[])[] = [];
  const unused = () => Promise.reject(new Error("not part of resolving"));
  const elb: ElasticLoadBalancing = {
    describeTargetGroups: (which, { signal }) => {
      if (signal.aborted) return Promise.reject(signal.reason);
      const names = "names" in which ? which.names : which.arns;
      calls.push(names);
      if (failing !== undefined) return Promise.reject(failing);
      // As the API does: one name that it does not know fails the whole call.
      if (!names.every(exists)) return Promise.reject(fault("TargetGroupNotFound", false));
      return Promise.resolve(names.map((name) => ({ ...existing(name), ...group })));
    },
    registerTarget: unused,
    deregisterTarget: unused,
    describeTargetHealth: unused,
    deregistrationDelay: unused,
  };
  const log = new KeptLog();
  const options = { elb, clock, log, time: 60 * SECOND, stop, region: "eu-west-1" };
  const result = clock.run(
    resolveGroups(references, { ids: [id], lookUp: false }, options),
  );
  return { result, calls, clock };
}

Deno.test("resolveGroups() asks for up to 20 names in a call", async () => {
  const names = Array.from({ length: 45 }, (_, index) => `group-${index}`);
  const { result, calls } = resolve(names.map(byName), () => true);
  assertEquals((await result).map(({ group }) => group.name), names);
  assertEquals(calls.map(({ length }) => length), [20, 20, 5]);
});

Deno.test("resolveGroups() takes an ARN as it is, in its place among the names", async () => {
  const arn = { by: "arn", arn: arnOf("b"), name: "b", region: "eu-west-1", partition: "aws" };
  const { result, calls } = resolve(
    [byName("a"), { ...arn, by: "arn" }, byName("c")],
    () => true,
  );
  assertEquals((await result).map(({ group }) => group.arn), ["a", "b", "c"].map(arnOf));
  assertEquals(calls, [["a", "c"]]);
});

Deno.test("resolveGroups() makes no call where all groups are ARNs", async () => {
  const arn = { by: "arn", arn: arnOf("b"), name: "b", region: "eu-west-1", partition: "aws" };
  const { result, calls } = resolve([{ ...arn, by: "arn" }], () => false);
  assertEquals((await result).length, 1);
  assertEquals(calls, []);
});

Deno.test("resolveGroups() says which of many names does not exist", async () => {
  const { result } = resolve(["a", "b", "c"].map(byName), (name) => name !== "b");
  const failure = await assertRejects(() => result, Failure);
  assertEquals(failure.exit, "groupNotResolved");
  assertMatch(failure.message, /^target group b does not exist in region eu-west-1/);
});

Deno.test("resolveGroups() tries again until its time is up, and says for how long", async () => {
  const { result, calls, clock } = resolve([byName("a")], () => true, {
    failing: fault("ServiceUnavailable", true),
  });
  const failure = await assertRejects(() => result, Failure);
  assertMatch(failure.message, /ServiceUnavailable: no \(tried for 1m0s, -resolve-timeout\)$/);
  assertEquals(calls.length > 5, true, `${calls.length} calls`);
  assertEquals(clock.now() <= 60 * SECOND, true);
});

Deno.test("resolveGroups() does not try again what is final", async () => {
  const { result, calls } = resolve([byName("a")], () => true, {
    failing: fault("AccessDenied", false),
  });
  const failure = await assertRejects(() => result, Failure);
  assertEquals(failure.message, "DescribeTargetGroups: AccessDenied: no");
  assertEquals(calls.length, 1);
});

Deno.test("resolveGroups() ends with the reason of a stop", async () => {
  const { result, calls } = resolve([byName("a")], () => true, {
    stop: AbortSignal.abort(new Error("stop")),
  });
  await assertRejects(() => result, Error, "stop");
  assertEquals(calls, []);
});

/** A group, a target id of another type, and what the error says. */
const MISMATCHES: readonly (readonly [Partial<TargetGroup>, string, RegExp])[] = [
  [{}, "i-1234abcd", /takes IPv4 targets, but -target-id is i-1234abcd: set it to the pod's IPv4/],
  [{ ipAddressType: "ipv6" }, "10.0.0.1", /takes IPv6 targets, .* set it to the pod's IPv6/],
  [{ targetType: "instance" }, "::1", /takes instance targets, .* use a group of type ip/],
  [{ targetType: "alb" }, "i-1234abcd", /takes alb targets, .* use a group of type ip/],
];

Deno.test("resolveGroups() says what to do about a target id that the group does not take", async () => {
  for (const [group, id, says] of MISMATCHES) {
    const { result } = resolve([byName("kafka")], () => true, { group, id });
    const { message } = await assertRejects(() => result, Failure);
    assertMatch(message, says);
  }
});
