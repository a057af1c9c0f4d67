import {
  DeregisterTargetsCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FaultRule } from "../../emulator/faults.ts";
import { bench, failure, refused, step } from "./bench.ts";
import type { Bench } from "./bench.ts";

function register(at: Bench, abortSignal?: AbortSignal) {
  const input = { TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.1" }] };
  return at.client.send(
    new RegisterTargetsCommand(input),
    abortSignal === undefined ? {} : { abortSignal },
  );
}

function describe(at: Bench) {
  return at.client.send(new DescribeTargetGroupsCommand({}));
}

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(() => true, () => false);
}

const ERRORS: readonly [FaultRule, code: string, status: number, words: string][] = [
  [{ what: "throttle" }, "ThrottlingException", 400, "Rate exceeded"],
  [{ what: "throttle", code: "Throttling" }, "Throttling", 400, "Rate exceeded"],
  [{ what: "throttle", code: "RequestLimitExceeded" }, "RequestLimitExceeded", 400, ""],
  [{ what: "internal-failure" }, "InternalFailure", 500, ""],
  [{ what: "service-unavailable" }, "ServiceUnavailable", 503, ""],
  [{ what: "health-unavailable" }, "HealthUnavailable", 500, ""],
  [{ what: "expired-token" }, "ExpiredToken", 403, "is expired"],
  [{ what: "target-group-not-found" }, "TargetGroupNotFound", 400, "targetgroup/kafka"],
  [{ what: "invalid-target" }, "InvalidTarget", 400, ""],
  [{ what: "too-many-targets" }, "TooManyTargets", 400, "more than 500 targets"],
  [{ what: "validation-error" }, "ValidationError", 400, ""],
  [{ what: "proxy-error" }, "Unknown", 503, ""],
];

for (const [rule, code, status, words] of ERRORS) {
  Deno.test(`${JSON.stringify(rule)} answers ${code}, and applies nothing`, async () => {
    await using at = await bench({ groups: [{ name: "kafka" }], faults: [rule] });
    await refused(register(at), code, status, words);
    assertEquals(at.emulator.registered("kafka"), []);
    assertEquals([at.emulator.calls[0]?.applied, at.emulator.calls[0]?.status], [false, status]);
  });
}

Deno.test("access-denied says who may not do what on which resource", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "access-denied" });
  await refused(
    register(at),
    "AccessDenied",
    403,
    "User: arn:aws:iam::123456789012:user/static is not authorized to perform: " +
      `elasticloadbalancing:RegisterTargets on resource: ${at.arn} because no identity-based ` +
      "policy allows the elasticloadbalancing:RegisterTargets action",
  );
  await refused(describe(at), "AccessDenied", 403, "elasticloadbalancing:DescribeTargetGroups b");
});

Deno.test("throttle can say when to try again", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "throttle", retryAfter: 7 });
  const error = await refused(describe(at), "ThrottlingException", 400);
  assertEquals(error.$response?.headers["retry-after"], "7");
});

Deno.test("an error can come though the action was applied", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "internal-failure", applied: true });
  await refused(register(at), "InternalFailure", 500);
  assertEquals(at.emulator.registered("kafka").length, 1);
});

Deno.test("a rule holds for the action and the occurrence that it names", async () => {
  const outcomes = async (rule: FaultRule) => {
    await using at = await bench({ groups: [{ name: "kafka" }], faults: [rule] });
    const results: boolean[] = [];
    for (let call = 0; call < 4; call++) results.push(await succeeds(describe(at)));
    return results.map((good) => good ? "+" : "-").join("");
  };
  const what = "throttle";
  assertEquals(await outcomes({ what }), "----");
  assertEquals(await outcomes({ what, occurrence: "every" }), "----");
  assertEquals(await outcomes({ what, occurrence: "first" }), "-+++");
  assertEquals(await outcomes({ what, occurrence: 2 }), "+-++");
  assertEquals(await outcomes({ what, occurrence: { from: 3 } }), "++--");
  assertEquals(await outcomes({ what, occurrence: { probability: 0 } }), "++++");
  assertEquals(await outcomes({ what, occurrence: { probability: 1 } }), "----");
  const some: FaultRule = { what, occurrence: { probability: 0.5, seed: 3 } };
  assertEquals(await outcomes(some), await outcomes(some));
  assertEquals(await outcomes({ what, action: "RegisterTargets" }), "++++");
  assertEquals(await outcomes({ what, action: ["DescribeTargetGroups", "DescribeTags"] }), "----");
});

Deno.test("faults can be added and cleared while running", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "throttle" });
  assertEquals(await succeeds(describe(at)), false);
  at.emulator.clearFaults();
  assertEquals(await succeeds(describe(at)), true);
});

Deno.test("hold keeps a call from being applied until it is released", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "hold", action: "RegisterTargets" });
  const received = at.emulator.next(step("call-received", "RegisterTargets"));
  const call = register(at);
  await received;
  assertEquals(at.emulator.registered("kafka"), []);
  at.emulator.release();
  await call;
  assertEquals(at.emulator.registered("kafka").length, 1);
});

Deno.test("hold can keep back the answer of a call that is applied", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "hold", at: "after" });
  const applied = at.emulator.next(step("call-applied", "RegisterTargets"));
  const call = register(at);
  await applied;
  assertEquals(at.emulator.calls[0]?.outcome, "pending");
  at.emulator.release();
  await call;
  assertEquals(at.emulator.calls[0]?.outcome, "answered");
});

Deno.test("apply-late applies though the client has gone, and settled() waits for it", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "apply-late", time: 50 });
  const abort = new AbortController();
  const received = at.emulator.next(step("call-received", "RegisterTargets"));
  const gone = at.emulator.next(step("client-gone", "RegisterTargets"));
  const call = failure(register(at, abort.signal));
  await received;
  abort.abort();
  await Promise.all([call, gone]);
  await at.emulator.settled();
  assertEquals(at.emulator.registered("kafka").length, 1);
  const [recorded] = at.emulator.calls;
  assertEquals([recorded?.outcome, recorded?.applied], ["client-gone", true]);
});

Deno.test("a delayed call is not applied when the client leaves before", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "delay", before: 3_600_000 });
  const abort = new AbortController();
  const received = at.emulator.next(step("call-received", "RegisterTargets"));
  const call = failure(register(at, abort.signal));
  await received;
  abort.abort();
  await call;
  await at.emulator.settled();
  assertEquals(at.emulator.registered("kafka"), []);
});

Deno.test("a delay before and after applying is waited for", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "delay", before: 20, after: 30 });
  await register(at);
  const { at: received = 0, appliedAt = 0, answeredAt = 0 } = at.emulator.calls[0] ?? {};
  // Timers may fire a little early, by the clock that the times are of.
  assert(appliedAt - received >= 15);
  assert(answeredAt - appliedAt >= 25);
});

for (const applied of [false, true]) {
  Deno.test(`a call that hangs is never answered; applied: ${applied}`, async () => {
    await using at = await bench();
    at.emulator.addFault({ what: "hang", applied });
    const abort = new AbortController();
    const received = at.emulator.next(step("call-received", "RegisterTargets"));
    const call = failure(register(at, abort.signal));
    await received;
    await at.emulator.settled();
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
    const gone = at.emulator.next(step("client-gone", "RegisterTargets"));
    abort.abort();
    await Promise.all([call, gone]);
    assertEquals(at.emulator.calls[0]?.outcome, "client-gone");
  });

  Deno.test(`a connection is reset; applied: ${applied}`, async () => {
    await using at = await bench();
    at.emulator.addFault({ what: "reset", applied });
    const error = await failure(register(at));
    assert(error instanceof Error && "code" in error);
    assertEquals(error.code, "ECONNRESET");
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
    assertEquals(at.emulator.calls[0]?.outcome, "reset");
  });
}

Deno.test("a truncated reply ends in the middle, after applying", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "truncated-reply" });
  assert(await failure(register(at)) instanceof Error);
  assertEquals(at.emulator.registered("kafka").length, 1);
  assertEquals([at.emulator.calls[0]?.outcome, at.emulator.calls[0]?.status], ["cut-off", 200]);
});

Deno.test("truncated XML comes as a whole reply, after applying", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "truncated-xml" });
  const error = await failure(register(at));
  assert(error instanceof Error);
  assertStringIncludes(error.message, "XML");
  assertEquals(at.emulator.registered("kafka").length, 1);
  assertEquals(at.emulator.calls[0]?.outcome, "answered");
});

for (const what of ["html-reply", "empty-reply"] as const) {
  Deno.test(`${what} is a reply without data, and nothing applied`, async () => {
    await using at = await bench();
    at.emulator.addFault({ what });
    const input = { TargetGroupArn: at.arn };
    const reply = await at.client.send(new DescribeTargetHealthCommand(input));
    assertEquals(reply.TargetHealthDescriptions, undefined);
    assertEquals(reply.$metadata.httpStatusCode, 200);
    assertEquals(at.emulator.calls[0]?.applied, false);
  });
}

for (const announced of [true, false]) {
  Deno.test(`a connection is closed after the reply; announced: ${announced}`, async () => {
    await using at = await bench();
    at.emulator.addFault({ what: "close-connection", announced, occurrence: "first" });
    await describe(at);
    await at.emulator.settled();
    // Where the client takes the closing connection once more, it finds out and makes another.
    await succeeds(describe(at));
    await describe(at);
    assertEquals(at.emulator.calls.map(({ connection }) => connection).slice(0, 2), [1, 2]);
  });
}

Deno.test("idle connections can be closed, and only those", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "hold", action: "DescribeTargetGroups" });
  const held = at.emulator.next(step("call-received", "DescribeTargetGroups"));
  const call = describe(at);
  await held;
  await register(at);
  at.emulator.closeIdleConnections();
  at.emulator.release();
  await call;
  await at.client.send(
    new DeregisterTargetsCommand({ TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.1" }] }),
  );
  assertEquals(at.emulator.calls.map(({ outcome }) => outcome), Array(3).fill("answered"));
});

Deno.test("several rules can hold for one call", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "hold" });
  at.emulator.addFault({ what: "reset", applied: true });
  const received = at.emulator.next(step("call-received", "RegisterTargets"));
  const call = failure(register(at));
  await received;
  at.emulator.release();
  await call;
  const [recorded] = at.emulator.calls;
  assertEquals([recorded?.outcome, recorded?.applied], ["reset", true]);
});
