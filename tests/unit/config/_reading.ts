/** Command lines and environments as the tests give them, and what comes of them. */
import type { System } from "../../../lib/config/flag.ts";
import { assert } from "@std/assert";
import { type Config, readConfig, type Reading } from "../../../lib/config/config.ts";
import type { FlagName } from "../../../lib/config/flags.ts";

export type Variables = Readonly<Record<string, string>>;

/** All that has to be given, as arguments. */
export const NEEDED = ["-target-group-name=kafka", "-target-id=10.0.0.1"];

/** The same in the environment, so that a test's arguments have one error only. */
export const NEEDED_VARIABLES = {
  NLB_REGISTRATOR_TARGET_GROUP_NAME: "kafka",
  POD_IP: "10.0.0.1",
};

export const ARN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/edge/73e2d6bc24d8a067";

/** @throws The input has errors. */
export function run(
  args: readonly string[],
  env: Variables = NEEDED_VARIABLES,
): Extract<Reading, { kind: "run" }> {
  const reading = readConfig(args, env);
  assert(reading.kind === "run", JSON.stringify(reading));
  return reading;
}

export function configOf(args: readonly string[], env?: Variables): Config {
  return run(args, env).config;
}

export function errorsOf(
  args: readonly string[],
  env: Variables = NEEDED_VARIABLES,
  system: System = {},
): readonly string[] {
  const reading = readConfig(args, env, system);
  return reading.kind === "errors" ? reading.errors : [];
}

const at = (url: string) => ({ kind: "http", url });

/**
 * A good text for every flag, which is not its default; where its value is in the configuration;
 * and that value, where it is not the text.
 */
export const GOOD: Readonly<
  Record<FlagName, readonly [text: string, place: string, value?: unknown]>
> = {
  "target-group-name": ["web:80", "groups", [{ by: "name", name: "web", port: 80 }]],
  "target-group-arn": [
    `${ARN}:80`,
    "groups",
    [{ by: "arn", arn: ARN, region: "eu-west-1", partition: "aws", name: "edge", port: 80 }],
  ],
  "target-id": ["10.0.0.1,2001:DB8::0:1", "target.ids", ["10.0.0.1", "2001:db8::1"]],
  "target-port": ["0x1F90", "target.port", 8080],
  "availability-zone": ["all", "target.availabilityZone", "all"],
  "pre-register-command": [
    "until nc -z localhost 9092; do sleep 1; done",
    "hooks.pre-register.command",
  ],
  "pre-register-url": ["http://localhost/a?b=c", "hooks.pre-register.url"],
  "pre-register-timeout": ["1m30s", "hooks.pre-register.timeout", 90_000],
  "post-register-command": ["touch /tmp/ready", "hooks.post-register.command"],
  "post-register-url": ["https://u:p@hooks.example/", "hooks.post-register.url"],
  "post-register-timeout": ["300ms", "hooks.post-register.timeout", 300],
  "pre-deregister-command": ["a", "hooks.pre-deregister.command"],
  "pre-deregister-url": ["http://[::1]/", "hooks.pre-deregister.url"],
  "pre-deregister-timeout": ["1s", "hooks.pre-deregister.timeout", 1_000],
  "post-deregister-command": ["sleep 120 && echo 'it''s over'", "hooks.post-deregister.command"],
  "post-deregister-url": ["http://localhost:81/gone", "hooks.post-deregister.url"],
  "post-deregister-timeout": ["121s", "hooks.post-deregister.timeout", 121_000],
  "wait-for": ["https://[::1]:8443/healthz", "application.addresses", [
    at("https://[::1]:8443/healthz"),
  ]],
  "wait-for-timeout": ["7s", "application.timeout", 7_000],
  "wait-in-service": ["F", "inService.wait", false],
  "wait-in-service-timeout": ["10m", "inService.timeout", 600_000],
  "require-in-service": ["T", "inService.required", true],
  "ready-when-unused": ["true", "inService.whenUnused", true],
  "quic-server-id": ["file:/shared/id", "target.quicServerId", { by: "file", path: "/shared/id" }],
  "resolve-timeout": ["2s", "timeouts.resolve", 2_000],
  "register-timeout": ["3s", "timeouts.register", 3_000],
  "deregister-timeout": ["4s", "timeouts.deregister", 4_000],
  "confirm-settle": ["0", "timeouts.confirmSettle", 0],
  "wait-drained": ["1", "drain.wait", true],
  "wait-drained-timeout": ["6s", "drain.timeout", 6_000],
  "min-drain-time": ["0", "drain.minTime", 0],
  "wait-idle": ["TRUE", "drain.idle", true],
  "idle-time": ["8s", "drain.idleTime", 8_000],
  "grace-period": ["9s", "gracePeriod", 9_000],
  "listen": ["[::1]:8080", "service.listen", { hostname: "::1", port: 8080 }],
  "drain-allow": ["10.0.0.0/8", "service.drainAllow", [{ address: "10.0.0.0", bits: 8 }]],
  "drain-token-file": ["/token", "service.tokenFile"],
  "drain-token-required": ["true", "service.tokenRequired", true],
  "state-file": ["/state/drain", "stateFile.path"],
  "pod-uid": ["0c1e", "stateFile.pod"],
  "watch-interval": ["10s", "watchInterval", 10_000],
  "region": ["eu-west-1", "api.region"],
  "endpoint-url": ["http://127.0.0.1:4566", "api.endpointUrl"],
  "log-format": ["json", "log.format"],
  "log-level": ["debug", "log.level"],
  "termination-log": ["/tmp/end", "terminationLog"],
  "check": ["true", "check", true],
  "version": ["true", "", true],
};
