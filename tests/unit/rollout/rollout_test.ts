/** Whether the figures of rollouts are true, and what is rolled out is what `deploy/` has. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Event } from "../../cluster/events.ts";
import { readManifest } from "../../cluster/manifest.ts";
import { manifestOf, NAME, SIDECAR } from "../../rollout/manifests.ts";
import { holds, type Outcome, surplus, verdict } from "../../rollout/outcome.ts";
import { rewrite } from "../../rollout/programs.ts";
import { groupOf } from "../../rollout/scene.ts";
import { rowsOf } from "../../rollout/spans.ts";
import { named, STRATEGIES } from "../../rollout/strategies.ts";
import { TERRAFORM } from "../../rollout/terraform.ts";
import { SCALE } from "../../rollout/time.ts";
import { countOf } from "../../rollout/users.ts";

const strategy = (name: string) => named(name, STRATEGIES);
const at = (time: number, pod: string, kind: "created" | "ready" | "unready" | "gone"): Event => ({
  ...{ at: time, pod, kind },
});

Deno.test("the surplus counts pods beyond the replicas, from the rollout's begin on", () => {
  const events = [
    ...[at(0, "a", "created"), at(0, "b", "created"), at(10, "c", "created")],
    ...[at(40, "d", "created"), at(60, "a", "gone"), at(100, "b", "gone")],
  ];
  // From 20: one more until 40, two until 60, one until 100.
  assertEquals(surplus(events, 2, 20), 20 + 2 * 20 + 40);
  assertEquals(surplus(events, 4, 0), 0);
});

Deno.test("a pod's row tells starting, in service, draining and ending apart", () => {
  const [row] = rowsOf([
    at(0, "a", "created"),
    { at: 1, pod: "a", kind: "scheduled", node: "node-1", ip: "127.9.9.1" },
    ...[at(10, "a", "ready"), at(12, "a", "unready"), at(14, "a", "ready")],
    { at: 20, pod: "a", kind: "terminating", reason: "scaled down" },
    // A pod that drains is not ready, and that is no state of its own.
    at(22, "a", "unready"),
    ...[SIDECAR, NAME].map((container, index): Event => ({
      ...{ at: 25 + index * 5, pod: "a", container, kind: "signal", signal: "SIGTERM" },
    })),
    at(40, "a", "gone"),
  ], 100);
  assertEquals(row?.spans.map(({ state, from, to }) => [state, from, to]), [
    ["starting", 0, 10],
    ["in service", 10, 12],
    ["not ready", 12, 14],
    ["in service", 14, 20],
    ["draining", 20, 30],
    ["ending", 30, 40],
  ]);
  assertEquals(row?.ip, "127.9.9.1");
});

Deno.test("what this machine could not try is no failure, and no success", () => {
  const tally = (begun: number, failed: number) => ({ begun, done: 0, failed });
  const tallies = { "short": tally(10, 2), "half-closed": tally(5, 0), "lasting": tally(1, 1) };
  const failures = [{ what: "not-tried" }, { what: "reset" }, { what: "cut" }] as const;
  assertEquals(countOf({ tallies, withheld: 3 }, failures), { begun: 15, failed: 2, notTried: 4 });
});

Deno.test("a proof holds when nothing failed of as much as was to be tried", () => {
  const outcome: Outcome = {
    ...{ strategy: "sidecar", rollouts: 2, begun: 100, failed: 0, notTried: 0, duration: 1 },
    ...{ untilGone: 1, calls: 1, surplus: 1, losses: [], standstill: 0 },
  };
  const size = { rollouts: 2, connections: 100 };
  assertEquals(holds([outcome, outcome], size), true);
  assertEquals(holds([outcome, { ...outcome, failed: 1 }], size), false);
  assertEquals(holds([outcome, { ...outcome, begun: 99 }], size), false);
  const line = verdict([outcome, { ...outcome, failed: 1 }]);
  assertEquals(line, "1 of 200 connections failed in 4 rollouts");
});

Deno.test("rollouts run with the settings that Terraform and CloudFormation ship", () => {
  const group = groupOf(strategy("native-sidecar"));
  const shipped: Record<string, unknown> = {
    "deregistration_delay.timeout_seconds": (group.deregistrationDelaySeconds ?? 0) * SCALE,
    // The emulator cuts no connection at the end of the delay: it must not be needed.
    "deregistration_delay.connection_termination.enabled": false,
    "target_health_state.unhealthy.connection_termination.enabled":
      group.unhealthyConnectionTermination,
  };
  assertEquals(TERRAFORM.connectionTermination, false);
  assertEquals(shipped["deregistration_delay.timeout_seconds"], TERRAFORM.deregistrationDelay);
  const template = Deno.readTextFileSync("deploy/cloudformation/template.yaml");
  for (const [key, value] of Object.entries(shipped)) {
    assertStringIncludes(template, `Key: ${key}, Value: "${value}"`);
  }
});

Deno.test("the manifests of our sidecar are those of deploy/, unchanged; the cluster takes all", () => {
  for (const [name, file] of [["sidecar", "ordinary"], ["native-sidecar", "native"]] as const) {
    const yaml = Deno.readTextFileSync(`deploy/${file}-sidecar.yaml`);
    assertEquals(readManifest(manifestOf(strategy(name))), readManifest(yaml));
  }
  for (const one of STRATEGIES) readManifest(manifestOf(one));
});

Deno.test("the sidecar's arguments are the manifest's, at the pod's address and as much faster", () => {
  const place = {
    ...{ container: SIDECAR, image: "k8s-nlb-registrator-sidecar:1" },
    pod: { name: "edge-1-1", ip: "127.30.4.1", hostIP: "127.30.4.210" },
  };
  const args = [
    "-listen=:8081",
    "-wait-for=tcp://localhost:8443",
    "-grace-period=7m",
    "-wait-idle",
  ];
  assertEquals(rewrite([...args, "-idle-time=10s"], place), [
    ...["-listen=127.30.4.1:8081", "-wait-for=tcp://127.30.4.1:8443", "-grace-period=21s"],
    ...["-wait-idle", "-idle-time=500ms", "-min-drain-time=9s", "-wait-drained-timeout=18s"],
  ]);
});
