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
  system: System = { shell: true },
): readonly string[] {
  const reading = readConfig(args, env, system);
  return reading.kind === "errors" ? reading.errors : [];
}

const at = (url: string) => ({ kind: "http", url });

/** A good text for every flag, which is not its default, and the value that it means. */
export const GOOD: Readonly<Record<FlagName, readonly [text: string, value: unknown]>> = {
  "target-group-name": ["web:80", [{ by: "name", name: "web", port: 80 }]],
  "target-group-arn": [
    `${ARN}:80`,
    [{ by: "arn", arn: ARN, region: "eu-west-1", partition: "aws", name: "edge", port: 80 }],
  ],
  "target-id": ["10.0.0.1,2001:DB8::0:1", ["10.0.0.1", "2001:db8::1"]],
  "target-port": ["0x1F90", 8080],
  "availability-zone": ["all", "all"],
  "pre-register-command": ["until nc -z localhost 9092; do sleep 1; done", undefined],
  "pre-register-url": ["http://localhost/a?b=c", undefined],
  "pre-register-timeout": ["1m30s", 90_000],
  "post-register-command": ["touch /tmp/ready", undefined],
  "post-register-url": ["https://u:p@hooks.example/", undefined],
  "post-register-timeout": ["300ms", 300],
  "pre-deregister-command": ["a", undefined],
  "pre-deregister-url": ["http://[::1]/", undefined],
  "pre-deregister-timeout": ["1s", 1_000],
  "post-deregister-command": ["sleep 120 && echo 'it''s over'", undefined],
  "post-deregister-url": ["http://localhost:81/gone", undefined],
  "post-deregister-timeout": ["121s", 121_000],
  "wait-for": ["https://[::1]:8443/healthz", [at("https://[::1]:8443/healthz")]],
  "wait-for-timeout": ["7s", 7_000],
  "wait-in-service": ["F", false],
  "wait-in-service-timeout": ["10m", 600_000],
  "require-in-service": ["T", true],
  "resolve-timeout": ["2s", 2_000],
  "register-timeout": ["3s", 3_000],
  "deregister-timeout": ["4s", 4_000],
  "confirm-settle": ["0", 0],
  "wait-drained": ["1", true],
  "wait-drained-timeout": ["6s", 6_000],
  "min-drain-time": ["0", 0],
  "wait-idle": ["TRUE", true],
  "idle-time": ["8s", 8_000],
  "grace-period": ["9s", 9_000],
  "listen": ["[::1]:8080", { hostname: "::1", port: 8080 }],
  "drain-allow": ["10.0.0.0/8", [{ address: "10.0.0.0", bits: 8 }]],
  "drain-token-file": ["/token", undefined],
  "drain-token-required": ["true", true],
  "watch-interval": ["10s", 10_000],
  "region": ["eu-west-1", undefined],
  "endpoint-url": ["http://127.0.0.1:4566", undefined],
  "log-format": ["json", undefined],
  "log-level": ["debug", undefined],
  "termination-log": ["/tmp/end", undefined],
  "check": ["true", true],
  "version": ["true", true],
};
