import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readConfig } from "../../../lib/config/config.ts";
import { ARN, configOf, NEEDED, run } from "./_reading.ts";

const NO_HOOK = { command: undefined, url: undefined, timeout: 5_000 };

Deno.test("readConfig() has the original program's defaults, and its own for the rest", () => {
  assertEquals(run(NEEDED, {}), {
    kind: "run",
    config: {
      groups: [{ by: "name", name: "kafka" }],
      target: { ids: ["10.0.0.1"], lookUp: false },
      application: { addresses: [], timeout: 300_000 },
      hooks: {
        "pre-register": NO_HOOK,
        "post-register": NO_HOOK,
        "pre-deregister": NO_HOOK,
        "post-deregister": NO_HOOK,
      },
      inService: { wait: true, timeout: 300_000, required: false, whenUnused: false },
      drain: { wait: false, timeout: 360_000, minTime: 180_000, idle: false, idleTime: 15_000 },
      gracePeriod: 0,
      watchInterval: 0,
      check: false,
      timeouts: {
        resolve: Infinity,
        register: Infinity,
        deregister: Infinity,
        confirmSettle: 5_000,
      },
      api: {},
      log: { format: "text", level: "info" },
      terminationLog: "/dev/termination-log",
    },
    warnings: [],
  });
});

Deno.test("readConfig() has the groups looked up where connections are counted", () => {
  assertEquals(configOf(["-wait-idle", "-listen=:80"]).target.lookUp, true);
});

Deno.test("readConfig() takes the region of an ARN where none is given", () => {
  const args = ["-target-id=10.0.0.1", `-target-group-arn=${ARN}`];
  assertEquals(configOf(args, {}).api, { region: "eu-west-1" });
  assertEquals(configOf([...args, "-region=eu-west-1"], {}).api, { region: "eu-west-1" });
});

Deno.test("readConfig() prints the version where nothing is wrong with the flags", () => {
  assertEquals(readConfig(["-version"], {}), { kind: "version" });
  assertEquals(readConfig(["-version=false", ...NEEDED], {}).kind, "run");
  assertEquals(readConfig(["-version", "-nope"], {}).kind, "errors");
});

Deno.test("readConfig() gives help where it is requested before any error", () => {
  for (const flag of ["-h", "--h", "-help", "--help", "-h=x"]) {
    const reading = readConfig([...NEEDED, flag, "-nope"], {});
    assert(reading.kind === "help");
    assertStringIncludes(reading.text, "Usage of k8s-nlb-registrator-sidecar:\n");
  }
});

Deno.test("readConfig() says of errors how and where to write them", () => {
  const reading = (...args: readonly string[]) => readConfig([...args, ...NEEDED], {});
  const errors = ["flag provided but not defined: -nope"];
  const terminationLog = "/dev/termination-log";
  assertEquals(reading("-nope", "-log-format=json"), {
    ...{ kind: "errors", errors, logFormat: "json", terminationLog },
  });
  assertEquals(reading("-nope", "-termination-log=/tmp/end"), {
    ...{ kind: "errors", errors, logFormat: "text", terminationLog: "/tmp/end" },
  });
});
