/** All that `-check` prints, and how it ends, by what it finds. */
import { assert, assertEquals } from "@std/assert";
import type { Identity } from "../../lib/aws/credentials/identity.ts";
import type { TargetGroup } from "../../lib/aws/elb.ts";
import type { ApiCall } from "../../lib/aws/errors.ts";
import { readConfig } from "../../lib/config/config.ts";
import type { ExitName } from "../../lib/host/exit.ts";
import { preflight } from "../../lib/preflight.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { arnOf, FakeLoadBalancer, type State } from "./fake_load_balancer.ts";
import { KeptLog } from "./kept_log.ts";

interface Given {
  readonly args?: readonly string[];
  readonly settings?: Partial<TargetGroup>;
  readonly state?: State;
  readonly delay?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Calls that are refused, and whether they may succeed later. */
  readonly refused?: Partial<Record<ApiCall, boolean>>;
  readonly identify?: (signal: AbortSignal) => Promise<Identity>;
}

const ME: Identity = { source: "a test", region: "eu-west-1", caller: { arn: "arn:me" } };

async function check(given: Given) {
  const { args = ["-target-group-name=kafka"], refused = {}, identify } = given;
  const reading = readConfig(["-target-id=10.0.0.1", ...args], {});
  assert(reading.kind === "run", JSON.stringify(reading));
  const clock = new VirtualClock();
  const elb = new FakeLoadBalancer(clock);
  elb.states.set("kafka", given.state ?? "absent");
  elb.settings = given.settings ?? {};
  elb.delay = given.delay ?? 60_000;
  elb.attributes = given.attributes ?? {};
  elb.failing = (call) => {
    const retryable = refused[call];
    return retryable === undefined ? undefined : { code: "Refused", retryable };
  };
  const lines: string[] = [];
  const outcome = await clock.run(preflight(reading.config, {
    ...{ elb, clock, log: new KeptLog(), stop: new AbortController().signal, warnings: [] },
    identify: identify ?? (() => Promise.resolve(ME)),
    print: (line) => lines.push(line),
  }));
  return { outcome, lines, warnings: lines.filter((line) => line.startsWith("WARNING: ")), elb };
}

Deno.test("-check prints all that a run would do, and nothing that is secret", async () => {
  const { outcome, lines, elb } = await check({
    args: [
      ...["kafka", "kafka:9093"].map((name) => `-target-group-name=${name}`),
      ...["-listen=:8080", "-watch-interval=1m", "-wait-for=tcp://127.0.0.1:9092"],
      ...["-endpoint-url=http://127.0.0.1:4566/secret", "-min-drain-time=90s"],
      ...["-pre-register-command=true", "-pre-register-timeout=3s"],
      "-post-deregister-url=https://example.com/secret?token=secret",
    ],
    settings: { protocol: "TCP" },
  });
  const group = (port: number) => [
    `target group:           kafka, ${arnOf("kafka")}`,
    "  takes:                ip targets, ipv4",
    `  port:                 ${port} (TCP)`,
    "  health check:         traffic-port every 10 s, healthy after 3, unhealthy after 3",
    "  deregistration delay: 1m0s",
    "  registered:           no",
  ];
  assertEquals(lines, [
    "endpoint:               http://127.0.0.1:4566…",
    "region:                 eu-west-1",
    "credentials:            from a test",
    "identity:               arn:me",
    "target:                 10.0.0.1",
    "waits for:              tcp://127.0.0.1:9092",
    'pre-register:           runs "true", 3s at most',
    "post-deregister:        posts to https://example.com…, 5s at most",
    "listens:                on [::]:8080",
    "drained:                after at least 1m30s, once the API reports it",
    // 5 s and 5 s for hooks, 5 s to settle, 360 s to drain, 30 s and a third of a second for a pod.
    "grace period:           405 s (1), 421 s (50), 571 s (500), 2071 s (5000) for so many pods " +
    "that stop together, besides the application's end",
    "watches:                every 1m0s",
    ...[...group(9092), ...group(9093)],
  ]);
  assertEquals(outcome.exit, "done");
  assertEquals(
    outcome.message,
    "check passed; RegisterTargets was not tried, because it would register the target",
  );
  assertEquals(elb.order, "find poll delay deregister poll delay deregister");
  assertEquals(elb.states.get("kafka"), "absent");
});

Deno.test("-check looks groups up that are given by their ARNs, and shows what is not set", async () => {
  const { lines, elb } = await check({
    args: [`-target-group-arn=${arnOf("kafka")}`],
    settings: { healthCheck: HEALTH_CHECK, targetType: "ip" },
    state: "unhealthy",
    identify: () => Promise.reject(new Error("no credentials")),
  });
  assertEquals(elb.order, "find poll delay", "what is registered is not deregistered");
  const rows = lines.map((line) => line.replace(/: +/, ": "));
  for (
    const row of [
      "endpoint: the region's own, or AWS_ENDPOINT_URL",
      "region: eu-west-1",
      "credentials: no credentials",
      "listens: no: without -listen no probe and no preStop hook can call it",
      "drained: after at least 3m0s, once the API reports it; no wait without -wait-drained",
      "  port: 9092 (unknown protocol)",
      "  registered: yes: unhealthy",
    ]
  ) assert(rows.includes(row), `${row}\n${rows.join("\n")}`);
});

const HEALTH_CHECK = {
  ...{ enabled: true, intervalSeconds: 10, healthyThreshold: 3, unhealthyThreshold: 3 },
};
const WAITS = ["-target-group-name=kafka", "-wait-drained", "-wait-drained-timeout=5m"];
const REQUIRES = ["-target-group-name=kafka", "-require-in-service"];
/** As the manifests have it, but for what the cases change. */
const TARGET_CHECK = { ...HEALTH_CHECK, port: "8081", path: "/target", timeoutSeconds: 10 };
const LISTENS = ["-target-group-name=kafka", "-listen=:8081"];
const CUTS = { "deregistration_delay.connection_termination.enabled": "true" };
const CUTS_UNHEALTHY = { "target_health_state.unhealthy.connection_termination.enabled": "true" };
const FINAL = { exit: "deregistrationNotConfirmed" } as const;

/** What is given, what the warnings say, and how the check ends where that is not `done`. */
const FINDINGS: readonly (readonly [Given, readonly RegExp[], { readonly exit?: ExitName }])[] = [
  [{}, [], {}],
  [{ settings: { loadBalancerArns: [] } }, [/no listener forwards to kafka/], {}],
  [{ settings: { loadBalancerArns: [] }, args: REQUIRES }, [/no listener/], {
    exit: "notRegistered",
  }],
  [
    { settings: { healthCheck: { ...HEALTH_CHECK, enabled: false } } },
    [/health checks of kafka are disabled/],
    {},
  ],
  [
    { settings: { healthCheck: { ...HEALTH_CHECK, enabled: false } }, args: REQUIRES },
    [/health checks of kafka are disabled/],
    { exit: "notRegistered" },
  ],
  [{ settings: { healthCheck: { ...HEALTH_CHECK, port: "traffic-port" } } }, [], {}],
  [
    { settings: { healthCheck: { ...HEALTH_CHECK, port: "8081" } } },
    [/kafka is checked on port 8081, not on the traffic port/],
    {},
  ],
  [{ args: WAITS, delay: 299_000 }, [], {}],
  [
    { args: WAITS, delay: 300_000 },
    [/the deregistration delay of kafka, 5m0s, is not shorter/],
    {},
  ],
  [{ args: ["-target-group-name=kafka", "-wait-drained-timeout=5m"], delay: 300_000 }, [], {}],
  [{ args: [...WAITS, "-wait-idle"], delay: 300_000 }, [], {}],
  [
    { args: [...WAITS.filter((arg) => arg !== "-wait-drained"), "-listen=:0"], delay: 300_000 },
    [/is not shorter/],
    {},
  ],
  [{ attributes: CUTS, delay: 180_000 }, [], {}],
  [
    { attributes: CUTS, delay: 179_000 },
    [/closes the connections of kafka 2m59s after DeregisterTargets, before -min-drain-time/],
    {},
  ],
  [{ settings: { healthCheck: TARGET_CHECK }, args: LISTENS }, [/is checked on port 8081/], {}],
  [
    { settings: { healthCheck: TARGET_CHECK }, args: LISTENS, attributes: CUTS_UNHEALTHY },
    [
      /is checked on port 8081/,
      /the health check of kafka is \/target, which fails during a drain/,
    ],
    {},
  ],
  [
    {
      settings: { healthCheck: { ...TARGET_CHECK, path: "/livez" } },
      ...{ args: LISTENS, attributes: CUTS_UNHEALTHY },
    },
    [/is checked on port 8081/],
    {},
  ],
  [
    { attributes: { "load_balancing.cross_zone.enabled": "false" } },
    [/cross-zone load balancing of kafka is off/],
    {},
  ],
  [
    { attributes: { "load_balancing.cross_zone.enabled": "use_load_balancer_configuration" } },
    [],
    {},
  ],
  [
    { settings: { healthCheck: { ...HEALTH_CHECK, timeoutSeconds: 11 } } },
    [/a health check of kafka may take 11 s, longer than its interval of 10 s/],
    {},
  ],
  [
    { settings: { protocol: "UDP" }, args: [...WAITS, "-wait-idle"] },
    [/-wait-idle counts TCP connections only, and kafka serves UDP/],
    {},
  ],
  [{ settings: { protocol: "UDP" } }, [], {}],
  [{ refused: { DescribeTargetHealth: false } }, [/DescribeTargetHealth: Refused/], {}],
  [
    { refused: { DescribeTargetHealth: false }, args: REQUIRES },
    [/DescribeTargetHealth: Refused/],
    { exit: "notRegistered" },
  ],
  [{ refused: { DescribeTargetHealth: true }, args: REQUIRES }, [/DescribeTargetHealth/], {}],
  [{ refused: { DescribeTargetGroupAttributes: false } }, [/DescribeTargetGroupAttributes/], {}],
  [{ refused: { DeregisterTargets: false } }, [/DeregisterTargets: Refused/], FINAL],
  [{ refused: { DeregisterTargets: true } }, [/DeregisterTargets: Refused/], {}],
  [
    {
      refused: { DeregisterTargets: false },
      settings: { loadBalancerArns: [] },
      args: REQUIRES,
    },
    [/no listener/, /DeregisterTargets: Refused/],
    FINAL,
  ],
];

Deno.test("-check ends as a run would, and warns of each thing that is odd", async () => {
  for (const [given, expected, { exit = "done" }] of FINDINGS) {
    const { outcome, warnings } = await check(given);
    const what = `${JSON.stringify(given)}: ${outcome.message}; ${warnings}`;
    assertEquals([outcome.exit, warnings.length], [exit, expected.length], what);
    expected.forEach((pattern, at) => assert(pattern.test(warnings[at] ?? ""), what));
    const start = exit !== "done"
      ? `the check found an error that would end a run; warnings: ${expected.length}`
      : expected.length > 0
      ? `check finished with warnings: ${expected.length};`
      : "check passed;";
    assert(outcome.message.startsWith(start), what);
  }
});

Deno.test("-check ends with the error of a group that is not there", async () => {
  const { outcome } = await check({ args: ["-target-group-name=nope"] });
  assertEquals(outcome.exit, "groupNotResolved");
  assert(outcome.message.startsWith("target group nope does not exist"), outcome.message);
});

Deno.test("-check ends where the API does not answer, though a run would go on", async () => {
  const { outcome } = await check({ refused: { DescribeTargetGroups: true } });
  assertEquals(outcome.exit, "groupNotResolved");
});
