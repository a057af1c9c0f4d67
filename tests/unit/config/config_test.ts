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
      inService: { wait: true, timeout: 300_000, required: false },
      drain: { wait: false, timeout: 360_000, minTime: 120_000, idle: false, idleTime: 5_000 },
      gracePeriod: 0,
      watchInterval: 0,
      check: false,
      timeouts: { resolve: 60_000, register: 60_000, deregister: 30_000, confirmSettle: 5_000 },
      api: {},
      log: { format: "text", level: "info" },
      terminationLog: "/dev/termination-log",
    },
    warnings: [],
  });
});

Deno.test("readConfig() puts each flag's value in its place", () => {
  const hookFlags = ["pre-register", "post-register", "pre-deregister", "post-deregister"]
    .flatMap((event, at) => [
      `-${event}-command=${event}`,
      `-${event}-url=http://localhost/${event}`,
      `-${event}-timeout=${at + 1}s`,
    ]);
  const hook = (event: string, timeout: number) => ({
    command: event,
    url: `http://localhost/${event}`,
    timeout,
  });
  const config = configOf([
    ...hookFlags,
    ...["-target-port=80", "-availability-zone=all", "-target-group-name=web"],
    ...[`-target-group-arn=${ARN}`, "-wait-for=tcp://localhost:9092", "-wait-for-timeout=7s"],
    ...["-wait-drained", "-wait-drained-timeout=6s", "-min-drain-time=0", "-wait-idle"],
    ...["-idle-time=8s", "-grace-period=9s", "-listen=:8080", "-drain-allow=10.0.0.9"],
    ...[
      "-drain-token-file=/token",
      "-drain-token-required",
      "-watch-interval=10s",
      "-check",
      "-require-in-service",
    ],
    ...["-wait-in-service-timeout=1s", "-resolve-timeout=2s", "-register-timeout=3s"],
    ...["-deregister-timeout=4s", "-confirm-settle=5ms", "-region=eu-west-1"],
    ...["-endpoint-url=http://127.0.0.1:4566", "-log-format=json", "-log-level=debug"],
    "-termination-log=/tmp/end",
  ]);
  assertEquals(config, {
    groups: [
      { by: "name", name: "web" },
      { by: "arn", arn: ARN, region: "eu-west-1", partition: "aws", name: "edge" },
    ],
    target: { ids: ["10.0.0.1"], port: 80, availabilityZone: "all", lookUp: true },
    application: {
      addresses: [{
        kind: "tcp",
        url: "tcp://localhost:9092",
        hostname: "localhost",
        port: 9092,
      }],
      timeout: 7_000,
    },
    hooks: {
      "pre-register": hook("pre-register", 1_000),
      "post-register": hook("post-register", 2_000),
      "pre-deregister": hook("pre-deregister", 3_000),
      "post-deregister": hook("post-deregister", 4_000),
    },
    inService: { wait: true, timeout: 1_000, required: true },
    drain: { wait: true, timeout: 6_000, minTime: 0, idle: true, idleTime: 8_000 },
    gracePeriod: 9_000,
    service: {
      listen: { hostname: "::", port: 8080 },
      drainAllow: [{ address: "10.0.0.9", bits: 32 }],
      tokenRequired: true,
      tokenFile: "/token",
    },
    watchInterval: 10_000,
    check: true,
    timeouts: { resolve: 2_000, register: 3_000, deregister: 4_000, confirmSettle: 5 },
    api: { region: "eu-west-1", endpointUrl: "http://127.0.0.1:4566" },
    log: { format: "json", level: "debug" },
    terminationLog: "/tmp/end",
  });
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
