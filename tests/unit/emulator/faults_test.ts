/** What each fault does: one that did nothing would let a test of the sidecar pass. */
import { DescribeTargetGroupsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type FaultRule, FAULTS, parseFaultRule } from "../../emulator/faults.ts";
import { Http2Server } from "../../emulator/http2_server.ts";
import { startEmulator } from "../../emulator/server.ts";
import { Bench, clientOf, failure, refused, step } from "./bench.ts";

const start = (...faults: FaultRule[]) => Bench.start({}, { faults });
const succeeds = (call: Promise<unknown>) => call.then(() => true, () => false);

for (
  const [rule, code, status, words] of [
    [{ what: "throttle" }, "Throttling", 400, "Rate exceeded"],
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
    [{ what: "redirect", to: "http://localhost:9/" }, "Unknown", 307, ""],
    [{ what: "giant-code", bytes: 4000 }, "E".repeat(4000), 400, ""],
    [
      { what: "access-denied" },
      ...["AccessDenied", 403] as const,
      "User: arn:aws:iam::123456789012:user/static is not authorized to perform: " +
      "elasticloadbalancing:RegisterTargets on resource: arn:aws:elasticloadbalancing:",
    ],
  ] as const
) {
  for (const applied of [false, true]) {
    Deno.test(`${JSON.stringify({ ...rule, applied })} answers ${status} and ${code.slice(0, 20)}`, async () => {
      await using at = await start({ ...rule, applied });
      await refused(at.register(), code, status, words);
      assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
      assertEquals(at.emulator.calls[0]?.applied, applied);
    });
  }
}

Deno.test("throttle can say when to try again", async () => {
  await using at = await start({ what: "throttle", retryAfter: 7 });
  const error = await refused(at.describe(), "Throttling", 400);
  assertEquals(error.$response?.headers["retry-after"], "7");
});

for (
  const [rule, expected] of [
    [{}, [false, false, false, false]],
    [{ occurrence: "every" }, [false, false, false, false]],
    [{ occurrence: "first" }, [false, true, true, true]],
    [{ occurrence: 2 }, [true, false, true, true]],
    [{ occurrence: { from: 3 } }, [true, true, false, false]],
    [{ occurrence: { probability: 0 } }, [true, true, true, true]],
    [{ occurrence: { probability: 0.5, seed: 3 } }, [true, false, false, false]],
    [{ action: "RegisterTargets" }, [true, true, true, true]],
    [{ action: ["DescribeTargetGroups"] }, [false, false, false, false]],
  ] as const
) {
  Deno.test(`of four calls, ${JSON.stringify(rule)} lets these succeed: ${expected}`, async () => {
    await using at = await start({ what: "throttle", ...rule });
    const results: boolean[] = [];
    for (let call = 0; call < 4; call++) results.push(await succeeds(at.describe()));
    assertEquals(results, [...expected]);
    at.emulator.clearFaults();
    assertEquals(await succeeds(at.describe()), true);
  });
}

for (const held of ["before", "after"] as const) {
  Deno.test(`hold at ${held} keeps a call there until it is released`, async () => {
    await using at = await start({ what: "hold", at: held });
    const there = at.emulator.next(step(held === "before" ? "call-received" : "call-applied"));
    const call = at.register();
    await there;
    assertEquals(at.emulator.registered("kafka").length, held === "before" ? 0 : 1);
    assertEquals(at.emulator.calls[0]?.outcome, "pending");
    at.emulator.release();
    await call;
    assertEquals(at.emulator.registered("kafka").length, 1);
  });
}

for (
  const [rule, applied] of [
    [{ what: "apply-late", time: 50 }, true],
    [{ what: "delay", before: 3_600_000 }, false],
    [{ what: "hang" }, false],
    [{ what: "hang", applied: true }, true],
    [{ what: "endless-reply" }, false],
    [{ what: "endless-reply", applied: true }, true],
  ] as const
) {
  Deno.test(`${JSON.stringify(rule)}: when the client leaves, applied is ${applied}`, async () => {
    await using at = await start(rule);
    const abort = new AbortController();
    const received = at.emulator.next(step("call-received"));
    const gone = at.emulator.next(step("client-gone"));
    const call = failure(at.register(undefined, abort.signal));
    await received;
    abort.abort();
    await Promise.all([call, gone]);
    await at.emulator.settled();
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
    assertEquals(at.emulator.calls[0]?.outcome, "client-gone");
  });
}

Deno.test("a delay before and after applying is waited for", async () => {
  await using at = await start({ what: "delay", before: 20, after: 30 });
  await at.register();
  const { at: received = 0, appliedAt = 0, answeredAt = 0 } = at.emulator.calls[0] ?? {};
  // Timers may fire a little early, by the clock that the times are of.
  assert(appliedAt - received >= 15 && answeredAt - appliedAt >= 25);
});

for (
  const [rule, outcome, applied] of [
    [{ what: "reset" }, "reset", false],
    [{ what: "reset", applied: true }, "reset", true],
    [{ what: "truncated-reply" }, "cut-off", true],
    [{ what: "truncated-xml" }, "answered", true],
    [{ what: "truncated-xml", applied: false }, "answered", false],
  ] as const
) {
  Deno.test(`${JSON.stringify(rule)} fails the call, which is ${outcome}; applied: ${applied}`, async () => {
    await using at = await start(rule);
    assert(await failure(at.register()) instanceof Error);
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
    assertEquals(at.emulator.calls[0]?.outcome, outcome);
  });
}

/** What the container endpoint answers. */
function credentials(at: Bench): Promise<Response> {
  const headers = { authorization: at.emulator.trust.containerToken };
  return fetch(`${at.emulator.url}/v1/credentials`, { headers, redirect: "manual" });
}

for (
  const [rule, status, body] of [
    [{ what: "html-reply" }, 200, "<html>"],
    [{ what: "empty-reply" }, 200, ""],
    [{ what: "many-roots", bytes: 4000 }, 200, "<a/>".repeat(1000)],
    [{ what: "giant-code", bytes: 4000 }, 400, "E".repeat(4000)],
    [{ what: "gzip-bomb", bytes: 5_000_000 }, 200, " ".repeat(5_000_000)],
    [{ what: "redirect", to: "http://localhost:9/x", status: 308 }, 308, ""],
  ] as const
) {
  Deno.test(`${JSON.stringify(rule)} answers so on the container endpoint where it is named`, async () => {
    await using at = await start({ ...rule, action: "ContainerCredentials" });
    const reply = await credentials(at);
    const text = await reply.text();
    assertEquals(reply.status, status);
    assert(body === "" ? text === "" : text.includes(body), text.slice(0, 200));
    assertEquals(reply.headers.get("location"), "to" in rule ? rule.to : null);
    await at.describe();
  });
}

Deno.test("endless-reply continues until the client leaves", async () => {
  await using at = await start({ what: "endless-reply", action: "ContainerCredentials" });
  const { body } = await credentials(at);
  assert(body !== null);
  let length = 0;
  for await (const chunk of body) if ((length += chunk.length) > 2 ** 24) break;
});

Deno.test("revoke-key refuses the key of a call for good, and no other", async () => {
  const key = { accessKeyId: "AKIANEW", secretAccessKey: "secret", identity: "new" };
  const faults = [{ what: "revoke-key", occurrence: "first", code: "AuthFailure" }] as const;
  await using at = await Bench.start({}, { accessKeys: [key], faults });
  for (let call = 0; call < 2; call++) await refused(at.describe(), "AuthFailure", 403, "invalid");
  const other = clientOf(at.emulator, key);
  await other.send(new DescribeTargetGroupsCommand({}));
  other.destroy();
  const identities = at.emulator.calls.map(({ identity }) => identity);
  assertEquals(identities, ["static", undefined, "new"]);
});

for (const by of ["fault", "test"] as const) {
  Deno.test(`a connection that a ${by} silences answers nothing more, and new ones do`, async () => {
    await using at = await start();
    await at.describe();
    if (by === "test") at.emulator.silenceConnections();
    else at.emulator.addFault({ what: "silent-connection", occurrence: "first" });
    assert(await failure(at.describe(AbortSignal.timeout(200))) instanceof Error);
    await at.describe();
    const answered = at.emulator.calls.filter(({ outcome }) => outcome === "answered");
    // Deno's HTTP client of Node sends a request that was aborted once more.
    const [first, ...later] = answered.map(({ connection }) => connection);
    assertEquals([first, later.includes(1), later.includes(2)], [1, false, true]);
  });
}

for (const announced of [true, false]) {
  Deno.test(`close-connection closes it after the reply; announced: ${announced}`, async () => {
    await using at = await start({ what: "close-connection", announced, occurrence: "first" });
    await at.describe();
    await at.emulator.settled();
    // Where the client takes the closing connection once more, it finds out and makes another.
    await succeeds(at.describe());
    await at.describe();
    assertEquals(at.emulator.calls.map(({ connection }) => connection).slice(0, 2), [1, 2]);
  });
}

Deno.test("idle connections can be closed, and only those", async () => {
  await using at = await start({ what: "hold", action: "DescribeTargetGroups" });
  const held = at.emulator.next(step("call-received", "DescribeTargetGroups"));
  const call = at.describe();
  await held;
  await at.register();
  at.emulator.closeIdleConnections();
  at.emulator.release();
  await call;
  await at.register();
  assertEquals(at.emulator.calls.map(({ outcome }) => outcome), Array(3).fill("answered"));
});

Deno.test("several rules can hold for one call", async () => {
  await using at = await start({ what: "hold" }, { what: "reset", applied: true });
  const received = at.emulator.next(step("call-received"));
  const call = failure(at.register());
  await received;
  at.emulator.release();
  await call;
  const [recorded] = at.emulator.calls;
  assertEquals([recorded?.outcome, recorded?.applied], ["reset", true]);
});

Deno.test("requests over HTTP/2 share a connection, until it is silenced", async () => {
  await using at = await start();
  const folder = await Deno.makeTempDir();
  try {
    await using server = await Http2Server.start(folder, at.emulator.url);
    const caCerts = [await Deno.readTextFile(server.authority)];
    const get = async (client: Deno.HttpClient, signal?: AbortSignal) => {
      const response = await fetch(server.url, signal ? { client, signal } : { client });
      return await response.text();
    };
    using client = Deno.createHttpClient({ caCerts });
    await Promise.all([get(client), get(client)]);
    assertEquals(server.connections, 1);
    server.silenceConnections();
    assert(await failure(get(client, AbortSignal.timeout(200))) instanceof Error);
    using fresh = Deno.createHttpClient({ caCerts });
    assertStringIncludes(await get(fresh), "MissingAuthenticationToken");
    assertEquals(server.connections, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every fault is read from JSON, with what it needs", () => {
  const needs = { time: 1, seconds: -3, to: "http://other.example/" };
  for (const [what, { takes }] of Object.entries(FAULTS)) {
    const needed = Object.entries(needs).filter(([name]) =>
      takes.some((one) => one === `${name}!`)
    );
    const rule = { what, occurrence: { from: 2 }, ...Object.fromEntries(needed) };
    assertEquals<unknown>(parseFaultRule(JSON.stringify(rule)), rule);
  }
});

for (
  const [text, words] of [
    ["{", "it is not JSON"],
    ["[]", "it is not an object"],
    ["{}", "what undefined is none of throttle, "],
    ['{"what":"toString"}', 'what "toString" is none of'],
    ['{"what":"throttle","action":"Sing"}', 'action "Sing" is none of DescribeTargetGroups, '],
    ['{"what":"throttle","occurrence":0}', "occurrence is not"],
    ['{"what":"throttle","occurrence":{"from":1,"to":2}}', "occurrence is not"],
    ['{"what":"throttle","occurrence":{"probability":2}}', "occurrence is not"],
    ['{"what":"throttle","code":"Busy"}', "code is not one of Throttling, "],
    ['{"what":"revoke-key","code":"Throttling"}', "code is not one of InvalidClientTokenId, "],
    ['{"what":"throttle","retryAfter":"1"}', "retryAfter is not a whole number"],
    ['{"what":"reset","time":1}', "reset has no time"],
    ['{"what":"reset","applied":1}', "applied is not true or false"],
    ['{"what":"clock-skew"}', "clock-skew needs seconds"],
    ['{"what":"delay","before":-1}', "before is not a number of milliseconds"],
    ['{"what":"redirect","to":"there"}', "to is not a URL"],
    ['{"what":"gzip-bomb","bytes":0}', "bytes is not a whole number from 1"],
    ['{"what":"reset","action":"Sing","occurrence":0}', "; occurrence is not"],
  ] as const
) {
  Deno.test(`the rule ${text} is refused: ${words}`, () => {
    assertThrows(() => parseFaultRule(text), RangeError, words);
  });
}

Deno.test("an emulator does not start with a bad rule", async () => {
  const error = await failure(startEmulator({ faults: [{ what: "clock-skew", seconds: 0.5 }] }));
  assert(error instanceof RangeError);
});
