import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Config, readConfig } from "../../../lib/config/config.ts";

const BASE = ["-target-group-name=kafka", "-target-id=10.0.0.1"];
const ARN =
  "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:targetgroup/edge/73e2d6bc24d8a067";

function read(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const reading = readConfig(args, env);
  assert(reading.kind === "run", JSON.stringify(reading));
  return reading;
}

function configOf(args: readonly string[], env: Readonly<Record<string, string>> = {}): Config {
  return read(args, env).config;
}

Deno.test("readConfig() has the original program's defaults, and its own for the rest", () => {
  const hook = { command: undefined, url: undefined, timeout: 5_000 };
  assertEquals(read(BASE), {
    kind: "run",
    config: {
      groups: [{ by: "name", name: "kafka" }],
      target: { ids: ["10.0.0.1"], lookUp: false },
      application: { addresses: [], timeout: 300_000 },
      hooks: {
        "pre-register": hook,
        "post-register": hook,
        "pre-deregister": hook,
        "post-deregister": hook,
      },
      inService: { wait: true, timeout: 300_000, required: false },
      drain: {
        wait: false,
        timeout: 360_000,
        minTime: 120_000,
        idle: false,
        idleTime: 5_000,
      },
      gracePeriod: 0,
      watchInterval: 0,
      check: false,
      timeouts: {
        resolve: 60_000,
        register: 60_000,
        deregister: 30_000,
        confirmSettle: 5_000,
      },
      api: {},
      log: { format: "text", level: "info" },
      terminationLog: "/dev/termination-log",
    },
    warnings: [],
  });
});

Deno.test("readConfig() takes a manifest of the original program as it is", () => {
  const config = configOf([
    "-target-group-name=kafka",
    "--target-id",
    "10.0.0.1",
    "-wait-in-service=F",
    "-wait-in-service-timeout",
    "10m",
    "-pre-register-command=until nc -z localhost 9092; do sleep 1; done",
    "-pre-register-timeout=1m30s",
    "-post-register-command",
    "touch /tmp/ready",
    "-post-register-timeout",
    "300ms",
    "--post-deregister-command=sleep 120 && echo 'it''s over'",
    "--post-deregister-timeout=121s",
  ]);
  assertEquals(config.inService, { wait: false, timeout: 600_000, required: false });
  assertEquals(config.hooks, {
    "pre-register": {
      command: "until nc -z localhost 9092; do sleep 1; done",
      url: undefined,
      timeout: 90_000,
    },
    "post-register": { command: "touch /tmp/ready", url: undefined, timeout: 300 },
    "pre-deregister": { command: undefined, url: undefined, timeout: 5_000 },
    "post-deregister": {
      command: "sleep 120 && echo 'it''s over'",
      url: undefined,
      timeout: 121_000,
    },
  });
});

Deno.test("readConfig() puts each flag's value in its place", () => {
  const config = configOf([
    ...BASE,
    "-target-port=0x1F90",
    "-availability-zone=all",
    "-pre-deregister-command=a",
    "-pre-deregister-url=http://localhost/gone",
    "-pre-deregister-timeout=1s",
    "-wait-for=tcp://localhost:9092",
    "-wait-for-timeout=7s",
    "-wait-drained",
    "-wait-drained-timeout=6s",
    "-min-drain-time=0",
    "-wait-idle",
    "-idle-time=8s",
    "-grace-period=9s",
    "-listen=[::1]:8080",
    "-drain-allow=10.0.0.9",
    "-drain-allow=::FFFF",
    "-drain-token-file=/token",
    "-watch-interval=10s",
    "-check",
    "-require-in-service",
    "-resolve-timeout=2s",
    "-register-timeout=3s",
    "-deregister-timeout=4s",
    "-confirm-settle=0",
    "-region=eu-west-1",
    "-endpoint-url=http://127.0.0.1:4566",
    "-log-format=json",
    "-log-level=debug",
    "-termination-log=/tmp/end",
  ]);
  assertEquals(config.target, {
    ids: ["10.0.0.1"],
    port: 8080,
    availabilityZone: "all",
    lookUp: true,
  });
  assertEquals(config.hooks["pre-deregister"], {
    command: "a",
    url: "http://localhost/gone",
    timeout: 1_000,
  });
  assertEquals(config.application.addresses.map(({ url }) => url), ["tcp://localhost:9092"]);
  assertEquals(config.application.timeout, 7_000);
  assertEquals(config.drain, {
    wait: true,
    timeout: 6_000,
    minTime: 0,
    idle: true,
    idleTime: 8_000,
  });
  assertEquals(config.gracePeriod, 9_000);
  assertEquals(config.service, {
    listen: { hostname: "::1", port: 8080 },
    drainAllow: ["10.0.0.9", "::ffff"],
    tokenFile: "/token",
  });
  assertEquals(config.watchInterval, 10_000);
  assertEquals(config.check, true);
  assertEquals(config.inService.required, true);
  assertEquals(config.timeouts, {
    resolve: 2_000,
    register: 3_000,
    deregister: 4_000,
    confirmSettle: 0,
  });
  assertEquals(config.api, { region: "eu-west-1", endpointUrl: "http://127.0.0.1:4566" });
  assertEquals(config.log, { format: "json", level: "debug" });
  assertEquals(config.terminationLog, "/tmp/end");
});

Deno.test("readConfig() collects the groups of both flags", () => {
  assertEquals(configOf([...BASE, `-target-group-arn=${ARN}`, "-target-group-name=web"]).groups, [
    { by: "name", name: "kafka" },
    { by: "name", name: "web" },
    { by: "arn", arn: ARN, region: "cn-north-1", partition: "aws-cn", name: "edge" },
  ]);
});

Deno.test("readConfig() takes the region of an ARN where none is given", () => {
  const args = ["-target-id=10.0.0.1", `-target-group-arn=${ARN}`];
  assertEquals(configOf(args).api, { region: "cn-north-1" });
  assertEquals(configOf([...args, "-region=cn-north-1"]).api, { region: "cn-north-1" });
});

const IDS: readonly (readonly [string, string])[] = [
  ["10.0.0.1", "10.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:0db8::0001", "2001:db8::1"],
  ["::", "::"],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ["i-0123456789abcdef0", "i-0123456789abcdef0"],
  ["i-1234abcd", "i-1234abcd"],
];

for (const [text, id] of IDS) {
  Deno.test(`readConfig() takes the target id ${text} for ${id}`, () => {
    assertEquals(configOf([...BASE, `-target-id=${text}`]).target.ids, [id]);
  });
}

Deno.test("readConfig() takes the pair of addresses that status.podIPs tells of", () => {
  const { ids } = configOf(["-target-group-name=kafka"], { POD_IP: "10.0.0.1,2001:DB8::1" }).target;
  assertEquals(ids, ["10.0.0.1", "2001:db8::1"]);
});

Deno.test("readConfig() takes a port with a group, by name and by ARN", () => {
  const { groups } = configOf([
    "-target-id=10.0.0.1",
    "-target-group-name=kafka:9092",
    "-target-group-name=kafka:9093",
    `-target-group-arn=${ARN}:80`,
  ]);
  assertEquals(groups.map(({ name, port }) => [name, port]), [
    ["kafka", 9092],
    ["kafka", 9093],
    ["edge", 80],
  ]);
});

/** Go reads integers as it does in programs. */
const PORTS: readonly (readonly [string, number | undefined])[] = [
  ["1", 1],
  ["65535", 65_535],
  ["+80", 80],
  ["+0x50", 80],
  ["+0120", 80],
  ["0", undefined],
  ["-0", undefined],
  ["00", undefined],
  ["0120", 80],
  ["0o120", 80],
  ["0b1010000", 80],
  ["0X50", 80],
  ["8_080", 8_080],
  ["0x_1f_90", 8_080],
];

for (const [text, port] of PORTS) {
  Deno.test(`readConfig() takes the port ${text} for ${port ?? "the group's"}`, () => {
    assertEquals(configOf([...BASE, `-target-port=${text}`]).target.port, port);
  });
}

for (const text of ["_80", "80_", "8__0", "0x", "08", "1e3", "80.0", " 80", ""]) {
  Deno.test(`readConfig() takes ${JSON.stringify(text)} for no port, as Go takes it for no number`, () => {
    assertEquals(readConfig([...BASE, `-target-port=${text}`], {}).kind, "faults");
  });
}

for (
  const word of ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"]
) {
  Deno.test(`readConfig() takes ${word} for the boolean that Go takes it for`, () => {
    const { wait } = configOf([...BASE, `-wait-in-service=${word}`]).inService;
    assertEquals(wait, ["1", "t", "true"].includes(word.toLowerCase()));
  });
}

Deno.test("readConfig() keeps a value as it is: newlines, = and dots in it are no syntax", () => {
  for (const command of ["echo a=b\necho --c=d\n", "--", "-x", "no-x.y", "__proto__", " "]) {
    assertEquals(
      configOf([...BASE, `-pre-register-command=${command}`]).hooks["pre-register"].command,
      command,
    );
    assertEquals(
      configOf([...BASE, "-pre-register-command", command]).hooks["pre-register"].command,
      command,
    );
  }
});

Deno.test("readConfig() asks for the version where nothing is wrong with the flags", () => {
  assertEquals(readConfig(["-version"], {}), { kind: "version" });
  assertEquals(readConfig(["-version=false", ...BASE], {}).kind, "run");
  assertEquals(readConfig(["-version", "-nope"], {}).kind, "faults");
});

Deno.test("readConfig() gives help where it is asked for before any fault", () => {
  for (const flag of ["-h", "--h", "-help", "--help", "-h=x"]) {
    const reading = readConfig([...BASE, flag, "-nope"], {});
    assert(reading.kind === "help");
    assertStringIncludes(reading.text, "Usage of k8s-nlb-registrator-sidecar:\n");
  }
});

Deno.test("readConfig() gives faults as Go prints them: a line each, then the usage text", () => {
  const reading = readConfig(["-nope", "-termination-log=/tmp/end", ...BASE], {});
  assert(reading.kind === "faults");
  assertEquals(reading.faults, ["flag provided but not defined: -nope"]);
  assertStringIncludes(
    reading.text,
    `${reading.faults[0]}\nUsage of k8s-nlb-registrator-sidecar:\n`,
  );
  assertEquals(reading.terminationLog, "/tmp/end");
});

Deno.test("readConfig() warns of -require-in-service without a wait, which it then is not", () => {
  const { config, warnings } = read([...BASE, "-require-in-service", "-wait-in-service=0"]);
  assertEquals(config.inService.required, false);
  assertEquals(warnings, [
    "-require-in-service has no effect with -wait-in-service=false: leave out one of them",
  ]);
});

Deno.test("readConfig() warns of its variables that no flag reads", () => {
  const { warnings } = read(BASE, {
    NLB_REGISTRATOR_TARGET: "x",
    NLB_REGISTRATOR_LOG_LEVEL: "debug",
    NLB_REGISTRATOR_LOGLEVEL: "debug",
    HOME: "/",
  });
  assertEquals(warnings, [
    "no flag reads the environment variable NLB_REGISTRATOR_LOGLEVEL, NLB_REGISTRATOR_TARGET: see -h",
  ]);
});
