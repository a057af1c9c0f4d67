import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ApiCall } from "../../../lib/aws/errors.ts";
import { Life, MINUTE } from "./_lifecycle.ts";

const GROUPS = ["a", "b", "c", "d", "e"];

/** All subsets but the empty one. */
const SUBSETS = Array.from(
  { length: 2 ** GROUPS.length - 1 },
  (_, bits) => GROUPS.filter((_, at) => (bits + 1) & (1 << at)),
);

function failing(call: ApiCall, groups: readonly string[], fault: {
  code: string;
  retryable: boolean;
}) {
  return (asked: ApiCall, group: string) =>
    asked === call && groups.includes(group) ? fault : undefined;
}

function registered(life: Life): string[] {
  return GROUPS.filter((group) => life.elb.states.get(group) === "healthy");
}

for (const subset of SUBSETS) {
  Deno.test(`of five groups, ${subset} refuse the registration: nothing is left in any`, async () => {
    const life = new Life({ groups: GROUPS });
    life.elb.failing = failing("RegisterTargets", subset, {
      code: "AccessDenied",
      retryable: false,
    });
    const { exit, message } = await life.run();
    assertEquals(exit, "notRegistered");
    assertMatch(message, /AccessDenied/);
    assertEquals(registered(life), []);
  });

  Deno.test(`of five groups, ${subset} refuse to deregister: only these are left, and named`, async () => {
    const life = new Life({ groups: GROUPS, args: ["-deregister-timeout=10s"] }).stopAt(MINUTE);
    life.elb.failing = failing("DeregisterTargets", subset, {
      code: "AccessDenied",
      retryable: false,
    });
    const { exit, message } = await life.run();
    assertEquals(exit, "deregistrationNotConfirmed");
    assertEquals(registered(life), subset);
    for (const group of GROUPS) {
      assertEquals(message.includes(`targetgroup/${group}/`), subset.includes(group), group);
    }
    const others = life.elb.calls.filter(({ call, group, at }) =>
      call === "DeregisterTargets" && !subset.includes(group) && at > MINUTE
    );
    assertEquals(others, [], "one group that hangs does not hold back the others");
  });
}

Deno.test("a group that is throttled for a while is left in the end", async () => {
  const life = new Life({ groups: GROUPS }).stopAt(MINUTE);
  life.elb.failing = (call, group) =>
    call === "DeregisterTargets" && group === "c" && life.clock.now() < MINUTE + 20_000
      ? { code: "Throttling", retryable: true }
      : undefined;
  assertEquals((await life.run()).exit, "done");
  assertEquals(registered(life), []);
});

Deno.test("one group of five that does not exist: it is named, and nothing is registered", async () => {
  const life = new Life({ groups: GROUPS });
  life.elb.states.delete("d");
  const { exit, message } = await life.run();
  assertEquals(exit, "groupNotResolved");
  assertMatch(message, /^target group d does not exist/);
  assert(life.elb.at("RegisterTargets").length === 0);
});

Deno.test("each group gets the address of its type", async () => {
  const args = ["-target-id=10.0.0.1,2001:db8::1"];
  const life = new Life({ groups: ["v4", "v6"], args }).stopAt(MINUTE);
  const targets: string[] = [];
  life.elb.registerTarget = ((original) => (arn, target, options) => {
    targets.push(`${arn.split("/")[1]} ${target.id}`);
    return original.call(life.elb, arn, target, options);
  })(life.elb.registerTarget);
  assertEquals((await life.run()).exit, "done");
  assertEquals(targets, ["v4 10.0.0.1", "v6 2001:db8::1"]);
});

Deno.test("a group of the other address type is a fault before anything is registered", async () => {
  const life = new Life({ groups: ["v4", "v6"] });
  const { exit, message } = await life.run();
  assertEquals(exit, "groupNotResolved");
  assertMatch(message, /v6 takes IPv6 targets, but -target-id is 10\.0\.0\.1: /);
  assert(life.elb.at("RegisterTargets").length === 0);
});

Deno.test("a group given with its own port and without is given twice", async () => {
  const life = new Life({ groups: ["a", "a:9092"] });
  const { exit, message } = await life.run();
  assertEquals(exit, "groupNotResolved");
  assertMatch(message, /target group a is given twice with the same port \(9092\)/);
});

Deno.test("a group may be given with several ports: each is a target of its own", async () => {
  const life = new Life({ groups: ["a", "a:9093"] }).stopAt(MINUTE);
  const ports: (number | undefined)[] = [];
  for (const method of ["registerTarget", "deregisterTarget"] as const) {
    life.elb[method] = ((original) => (arn, target, options) => {
      ports.push(target.port);
      return original.call(life.elb, arn, target, options);
    })(life.elb[method]);
  }
  assertEquals((await life.run()).exit, "done");
  assertEquals(ports, [undefined, 9093, undefined, 9093]);
});
