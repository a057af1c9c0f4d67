import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ApiCall } from "../../../lib/aws/errors.ts";
import { Life, MINUTE } from "./_lifecycle.ts";

const GROUPS = ["a", "b", "c", "d", "e"];

/** All subsets but the empty one. */
const SUBSETS = Array.from(
  { length: 2 ** GROUPS.length - 1 },
  (_, bits) => GROUPS.filter((_, at) => (bits + 1) & (1 << at)),
);

/** A lifecycle in five groups, of which some refuse a call. */
function refusing(refused: ApiCall, groups: readonly string[]): Life {
  const life = new Life({ groups: GROUPS, args: ["-deregister-timeout=10s"] });
  life.elb.failing = (call, group) =>
    call === refused && groups.includes(group)
      ? { code: "AccessDenied", retryable: false }
      : undefined;
  return life;
}

function registered(life: Life): string[] {
  return GROUPS.filter((group) => life.elb.states.get(group) === "healthy");
}

Deno.test("of five groups, any of which refuse the registration: nothing is left in any", async () => {
  for (const subset of SUBSETS) {
    const life = refusing("RegisterTargets", subset);
    const { exit, message } = await life.run();
    assertEquals([exit, registered(life)], ["notRegistered", []], `${subset}`);
    assertMatch(message, /AccessDenied/);
  }
});

Deno.test("of five groups, any of which refuse to deregister: only these are left, and named", async () => {
  for (const subset of SUBSETS) {
    const life = refusing("DeregisterTargets", subset).stopAt(MINUTE);
    const { exit, message } = await life.run();
    assertEquals([exit, registered(life)], ["deregistrationNotConfirmed", subset], `${subset}`);
    const named = GROUPS.filter((group) => message.includes(`targetgroup/${group}/`));
    assertEquals(named, subset);
    const late = life.elb.calls.filter(({ call, group, at }) =>
      call === "DeregisterTargets" && !subset.includes(group) && at > MINUTE
    );
    assertEquals(late, [], "one group that hangs does not hold back the others");
  }
});

Deno.test("one group of five that does not exist: it is named, and nothing is registered", async () => {
  const life = new Life({ groups: GROUPS });
  life.elb.states.delete("d");
  const { exit, message } = await life.run();
  assertEquals(exit, "groupNotResolved");
  assertMatch(message, /^target group d does not exist/);
  assert(life.elb.at("RegisterTargets").length === 0);
});

Deno.test("each address and port is registered and deregistered as a target of its own", async () => {
  const args = ["-target-id=10.0.0.1,2001:db8::1"];
  const life = new Life({ groups: ["v4", "v6", "v4:9093"], args }).stopAt(MINUTE);
  assertEquals((await life.run()).exit, "done");
  for (const call of ["RegisterTargets", "DeregisterTargets"]) {
    const made = life.elb.calls.filter((one) => one.call === call);
    assertEquals(made.map(({ group, target }) => [group, target?.id, target?.port]), [
      ["v4", "10.0.0.1", undefined],
      ["v6", "2001:db8::1", undefined],
      ["v4", "10.0.0.1", 9093],
    ]);
  }
});
