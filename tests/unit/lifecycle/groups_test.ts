import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ApiCall, ApiErrorDetails } from "../../../lib/aws/errors.ts";
import type { HookContext, WebhookState } from "../../../lib/hooks/hook.ts";
import { arnOf, type State } from "../fake_load_balancer.ts";
import { Life, MINUTE, SECOND, secondOf } from "./_lifecycle.ts";

const GROUPS = ["a", "b", "c", "d", "e"];
const DENIED = { code: "AccessDenied", retryable: false } as const;

/** All subsets but the empty one. */
const SUBSETS = Array.from(
  { length: 2 ** GROUPS.length - 1 },
  (_, bits) => GROUPS.filter((_, at) => (bits + 1) & (1 << at)),
);

/** A lifecycle in five groups, of which some refuse a call. */
function refusing(refused: ApiCall, groups: readonly string[]): Life {
  const life = new Life({ groups: GROUPS, args: ["-deregister-timeout=10s"] });
  life.elb.failing = (call, group) =>
    call === refused && groups.includes(group) ? DENIED : undefined;
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

Deno.test("an address of each kind: every group gets its own, by name and by ARN, in any order", async () => {
  for (const flag of ["name", "arn"] as const) {
    for (const ids of ["10.0.0.1,2001:db8::1", "2001:db8::1,10.0.0.1"]) {
      const named = ["v4", "v6"].map((name) => flag === "arn" ? arnOf(name) : name);
      const args = [`-target-id=${ids}`, ...named.map((one) => `-target-group-${flag}=${one}`)];
      const life = new Life({ groups: [], args }).stopAt(MINUTE);
      for (const group of ["v4", "v6"]) life.elb.states.set(group, "absent");
      assertEquals((await life.run()).exit, "done");
      const made = life.elb.calls.filter(({ call }) => call === "RegisterTargets");
      assertEquals(
        made.map(({ group, target }) => [group, target?.id]),
        [["v4", "10.0.0.1"], ["v6", "2001:db8::1"]],
      );
    }
  }
});

Deno.test("NAME:PORT and ARN:PORT win over -target-port, which wins over the group's own", async () => {
  const args = ["-target-port=1000", `-target-group-arn=${arnOf("c")}:9095`];
  const life = new Life({ groups: ["a:9094", "b"], args }).stopAt(MINUTE);
  for (const group of ["a", "c"]) life.elb.states.set(group, "absent");
  assertEquals((await life.run()).exit, "done");
  for (const call of ["RegisterTargets", "DescribeTargetHealth", "DeregisterTargets"]) {
    const ports = life.elb.calls.filter((one) => one.call === call)
      .map(({ group, target }) => `${group}:${target?.port}`);
    assertEquals(new Set(ports), new Set(["a:9094", "b:1000", "c:9095"]), call);
  }
});

Deno.test("connections are counted to each port of the target, and to each once", async () => {
  // Two of these are the same port: 9092 is that of every group.
  const groups = ["a", "b:9092", "a:9093", "b:9094"];
  const clients = new Map([[9092, 1], [9093, 2], [9094, 4]]);
  // With no silence to wait for, a drain still ends no client that is connected.
  for (const [last, idleTime] of [[9092, 10], [9093, 10], [9094, 10], [9094, 0]] as const) {
    const times = ["-min-drain-time=0s", `-idle-time=${idleTime}s`];
    const args = ["-wait-drained", "-wait-idle", ...times];
    const counted: number[] = [];
    const connections = (port: number) => {
      counted.push(port);
      return life.clock.now() < 2 * MINUTE || port === last && life.clock.now() < 3 * MINUTE
        ? clients.get(port) ?? 0
        : 0;
    };
    const life: Life = new Life({ groups, args, connections }).stopAt(MINUTE);
    for (const group of ["a", "b"]) life.elb.states.set(group, "absent");
    life.clock.at(MINUTE, () => assertEquals(life.view.status().connections, 7));
    assertEquals((await life.run()).exit, "done");
    assertEquals(new Set(counted), new Set(clients.keys()));
    const took = secondOf(life.clock.now());
    assert(took >= 180 && took < 200, `${took} s, and the last client is at port ${last}`);
    assertMatch(life.log.text, /waiting until .* no connection is left \{"connections":7,/);
  }
});

const STATES: readonly (readonly [a: State, b: State, WebhookState])[] = [
  ["healthy", "healthy", "in-service"],
  ["healthy", "unhealthy", "registered"],
  ["unhealthy", "healthy", "registered"],
  ["unhealthy", "unhealthy", "registered"],
];

Deno.test("hooks get the state of all groups together, and the target once", async () => {
  for (const [a, b, expected] of STATES) {
    const contexts: HookContext[] = [];
    const life: Life = new Life({
      groups: ["a", "b"],
      args: ["-wait-in-service-timeout=20s", "-deregister-timeout=10s"],
      hook: (_event, _timeout, context) => {
        contexts.push(context);
        return { outcome: "succeeded" };
      },
    });
    life.clock.at(SECOND, () => life.elb.states.set("a", a).set("b", b));
    await life.stopAt(MINUTE).run();
    assertEquals(
      contexts.map(({ event, state }) => [event, state]),
      [
        ["pre-register", "not-registered"],
        ["post-register", expected],
        ["pre-deregister", expected],
        ["post-deregister", "not-registered"],
      ],
    );
    for (const { targetId, targetGroupArns } of contexts) {
      assertEquals([targetId, targetGroupArns], ["10.0.0.1", ["a", "b"].map(arnOf)]);
    }
  }
});

Deno.test("the last hook gets 'unknown' where one group of two could not be confirmed", async () => {
  for (const refused of ["a", "b"]) {
    let last: WebhookState | undefined;
    const life = new Life({
      groups: ["a", "b"],
      args: ["-deregister-timeout=10s"],
      hook: (_event, _timeout, { state }) => {
        last = state;
        return { outcome: "succeeded" };
      },
    });
    life.elb.failing = (call, group) =>
      call === "DeregisterTargets" && group === refused ? DENIED : undefined;
    assertEquals((await life.stopAt(MINUTE).run()).exit, "deregistrationNotConfirmed");
    assertEquals(last, "unknown");
  }
});

Deno.test("a search for the group that is missing ends with the network's error, and blames none", async () => {
  const life = new Life({ groups: GROUPS, args: ["-resolve-timeout=5s"] });
  const missing = { code: "TargetGroupNotFound", retryable: false, effect: "none" } as const;
  const course = (error: Partial<ApiErrorDetails>) => ({ answeredAfter: 10, error });
  life.elb.courses = {
    DescribeTargetGroups: [course(missing), course({ code: "NoAnswer", retryable: true })],
  };
  const { exit, message } = await life.run();
  assertEquals(exit, "groupNotResolved");
  assertMatch(message, /NoAnswer/);
  assert(!message.includes("does not exist"), message);
});
