import { assert, assertEquals, assertThrows } from "@std/assert";
import { readManifest } from "../../cluster/manifest.ts";
import type { Place } from "../../cluster/world.ts";
import { groupOf } from "../../rollout/group.ts";
import { manifestOf, NAME, SIDECAR } from "../../rollout/manifests.ts";
import { rewrite } from "../../rollout/programs.ts";
import { STRATEGIES, strategyNamed } from "../../rollout/strategies.ts";

const deploymentOf = (name: string) =>
  readManifest(manifestOf(strategyNamed(name))).deployments[0]?.template;

const containerOf = (name: string, container: string) =>
  deploymentOf(name)?.containers.find((one) => one.name === container);

for (const { name } of STRATEGIES) {
  Deno.test(`the manifest of ${name} is one that the cluster takes`, () => {
    assert(containerOf(name, NAME));
  });
}

Deno.test("the manifests of our sidecar are those of deploy/, unchanged", () => {
  for (const [name, file] of [["sidecar", "ordinary"], ["native-sidecar", "native"]] as const) {
    const yaml = Deno.readTextFileSync(`deploy/${file}-sidecar.yaml`);
    assertEquals(readManifest(manifestOf(strategyNamed(name))), readManifest(yaml));
  }
});

Deno.test("what people do today has no hook of the sidecar, and as much sleep as it says", () => {
  assertEquals(containerOf("nothing", SIDECAR), undefined);
  assertEquals(containerOf("nothing", NAME)?.preStop, undefined);
  assertEquals(containerOf("go-sidecar", NAME)?.preStop, undefined);
  assertEquals(containerOf("prestop-sleep 15", NAME)?.preStop, { kind: "sleep", seconds: 15 });
  assertEquals(deploymentOf("prestop-sleep 120")?.grace, 150);
});

Deno.test("a strategy that is not known is refused with the names of those that are", () => {
  assertEquals(strategyNamed("prestop-sleep 42").registrar, { by: "controller", preStopSleep: 42 });
  assertThrows(() => strategyNamed("sidecar-native"), RangeError, "native-sidecar target-check");
});

Deno.test("with the check on /target the load balancer asks the sidecar, else the application", () => {
  const { health, healthCheckPort } = groupOf(strategyNamed("sidecar target-check"));
  assertEquals([health, healthCheckPort], [{ check: "http", path: "/target" }, 8081]);
  assertEquals(groupOf(strategyNamed("sidecar")).health, { check: "tcp" });
});

Deno.test("the sidecar's arguments are the manifest's, at the pod's address and as much faster", () => {
  const place: Place = {
    ...{ container: SIDECAR, image: "k8s-nlb-registrator-sidecar:1", timeScale: 20 },
    pod: { name: "edge-1-1", ip: "127.30.4.1", hostIP: "127.30.4.210" },
    terminationLog: "/tmp/log",
  };
  const args = ["-listen=:8081", "-wait-for=tcp://localhost:8443", "-grace-period=7m"];
  assertEquals(rewrite([...args, "-idle-time=10s"], place), [
    "-listen=127.30.4.1:8081",
    "-wait-for=tcp://127.30.4.1:8443",
    "-grace-period=21s",
    "-idle-time=500ms",
    "-min-drain-time=6s",
    "-wait-drained-timeout=18s",
    "-termination-log=/tmp/log",
  ]);
});
