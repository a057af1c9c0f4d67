/** What each fault does: one that did nothing, or too much, would let a test of the sidecar pass. */
import { DescribeTargetGroupsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { USAGE } from "../../emulator/arguments.ts";
import { type FaultRule, FAULTS } from "../../emulator/faults.ts";
import { Bench, clientOf, failure, refused, step } from "./bench.ts";

const start = (...faults: FaultRule[]) => Bench.start({}, { faults });
const succeeds = (call: Promise<unknown>) => call.then(() => true, () => false);

Deno.test("a fault that replies has its code and status, and is applied where it says so", async () => {
  const cases = [
    [{ what: "throttle" }, "Throttling", 400, "Rate exceeded"],
    [{ what: "throttle", code: "RequestLimitExceeded" }, "RequestLimitExceeded", 400, ""],
    [{ what: "internal-failure" }, "InternalFailure", 500, ""],
    [{ what: "service-unavailable" }, "ServiceUnavailable", 503, ""],
    [{ what: "health-unavailable" }, "HealthUnavailable", 500, ""],
    [{ what: "expired-token" }, "ExpiredToken", 403, "is expired"],
    [{ what: "target-group-not-found" }, "TargetGroupNotFound", 400, "targetgroup/kafka"],
    [{ what: "invalid-target" }, "InvalidTarget", 400, ""],
    [{ what: "too-many-targets" }, "TooManyTargets", 400, "more than 500 targets"],
    [{ what: "proxy-error" }, "Unknown", 503, ""],
    [{ what: "redirect", to: "http://localhost:9/" }, "Unknown", 307, ""],
    [{ what: "giant-code", bytes: 4000 }, "E".repeat(4000), 400, ""],
    [{ what: "access-denied" }, "AccessDenied", 403, "user/static is not authorized to perform: "],
  ] as const;
  for (const [rule, code, status, words] of cases) {
    for (const applied of [false, true]) {
      await using at = await start({ ...rule, applied });
      await refused(at.register(), code, status, words);
      assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0);
      assertEquals(at.emulator.calls[0]?.applied, applied);
    }
  }
});

Deno.test("throttle can say when to try again", async () => {
  await using at = await start({ what: "throttle", retryAfter: 7 });
  const error = await refused(at.describe(), "Throttling", 400);
  assertEquals(error.$response?.headers["retry-after"], "7");
});

Deno.test("an occurrence and an action say which of four calls fail", async () => {
  const cases = [
    [{}, [false, false, false, false]],
    [{ occurrence: "every" }, [false, false, false, false]],
    [{ occurrence: "first" }, [false, true, true, true]],
    [{ occurrence: 2 }, [true, false, true, true]],
    [{ occurrence: { from: 3 } }, [true, true, false, false]],
    [{ occurrence: { probability: 0 } }, [true, true, true, true]],
    [{ occurrence: { probability: 0.5, seed: 3 } }, [true, false, false, false]],
    [{ action: "RegisterTargets" }, [true, true, true, true]],
    [{ action: ["DescribeTargetGroups"] }, [false, false, false, false]],
  ] as const;
  for (const [rule, expected] of cases) {
    await using at = await start({ what: "throttle", ...rule });
    const results: boolean[] = [];
    for (let call = 0; call < 4; call++) results.push(await succeeds(at.describe()));
    assertEquals(results, [...expected], JSON.stringify(rule));
    at.emulator.clearFaults();
    assertEquals(await succeeds(at.describe()), true);
  }
});

Deno.test("hold keeps a call back until it is released; several rules can hold for it", async () => {
  await using at = await start({ what: "hold" }, { what: "reset", applied: true });
  const there = at.emulator.next(step("call-received"));
  const call = failure(at.register());
  await there;
  assertEquals(at.emulator.registered("kafka"), []);
  assertEquals(at.emulator.calls[0]?.outcome, "pending");
  at.emulator.release();
  await call;
  const [recorded] = at.emulator.calls;
  assertEquals([recorded?.outcome, recorded?.applied], ["reset", true]);
});

Deno.test("when the client leaves, a call is applied or not, as the fault says", async () => {
  const cases = [
    [{ what: "apply-late", time: 50 }, true],
    [{ what: "delay", before: 3_600_000 }, false],
    [{ what: "hang" }, false],
    [{ what: "hang", applied: true }, true],
    [{ what: "endless-reply" }, false],
    [{ what: "endless-reply", applied: true }, true],
  ] as const;
  for (const [rule, applied] of cases) {
    await using at = await start(rule);
    const abort = new AbortController();
    const received = at.emulator.next(step("call-received"));
    const gone = at.emulator.next(step("client-gone"));
    const call = failure(at.register(undefined, abort.signal));
    await received;
    abort.abort();
    await Promise.all([call, gone]);
    await at.emulator.settled();
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0, JSON.stringify(rule));
    assertEquals(at.emulator.calls[0]?.outcome, "client-gone");
  }
});

Deno.test("a delay before and after applying is waited for", async () => {
  await using at = await start({ what: "delay", before: 20, after: 30 });
  await at.register();
  const { at: received = 0, appliedAt = 0, answeredAt = 0 } = at.emulator.calls[0] ?? {};
  // Timers may fire a little early, by the clock that the times are of.
  assert(appliedAt - received >= 15 && answeredAt - appliedAt >= 25);
});

Deno.test("a reply that is lost in part or as a whole fails the call, applied or not", async () => {
  const cases = [
    [{ what: "reset" }, "reset", false],
    [{ what: "reset", applied: true }, "reset", true],
    [{ what: "truncated-reply" }, "cut-off", true],
    [{ what: "truncated-xml" }, "answered", true],
    [{ what: "truncated-xml", applied: false }, "answered", false],
    [{ what: "broken-inside" }, "answered", true],
    [{ what: "broken-inside", applied: false }, "answered", false],
  ] as const;
  for (const [rule, outcome, applied] of cases) {
    await using at = await start(rule);
    assert(await failure(at.register()) instanceof Error);
    assertEquals(at.emulator.registered("kafka").length, applied ? 1 : 0, JSON.stringify(rule));
    assertEquals(at.emulator.calls[0]?.outcome, outcome);
  }
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

Deno.test("the emulator's -h names every fault, with the parameters and the codes that it takes", () => {
  for (const [name, { help, takes, ...rest }] of Object.entries(FAULTS)) {
    const [, rows = ""] = USAGE.split(`\n  ${name} `);
    const [row = ""] = rows.split(/\n {2}(?=\S)/);
    assertStringIncludes(row, help);
    const parameters = takes.length === 0 ? [] : [takes.join(", ")];
    const codes = "codes" in rest ? rest.codes.map((code) => `"code":"${code}"`) : [];
    const shown = [...row.matchAll(/\[(.+)\]|("code":".+")/g)].map(([, a, b]) => a ?? b);
    assertEquals(shown, [...parameters, ...codes]);
  }
});
