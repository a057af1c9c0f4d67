/** What a schedule is about: the flags of the sidecar, and the world that it wakes up in. */
import { type Config, readConfig } from "../../lib/config/config.ts";
import { arnOf } from "./api.ts";
import { type ConnectionPlan, drawConnections } from "./connections.ts";
import { drawDenials, drawOutage, type Weather } from "./courses.ts";
import type { MembershipPlan } from "./membership.ts";
import type { Tape } from "./tape.ts";

/** The beginning of a schedule. */
export interface Scenario {
  readonly config: Config;
  readonly args: readonly string[];
  readonly groups: ReadonlyMap<string, MembershipPlan>;
  readonly weather: Weather;
  readonly hookTrouble: number;
  /** When the application answers for the first time; undefined: never. */
  readonly applicationReadyAt: number | undefined;
  readonly connections: ConnectionPlan;
  /** By then the last event has come, and every registration cycle is on its way to its end. */
  readonly latest: number;
}

const NAMES = ["alpha", "beta", "gamma"] as const;

/** Most lives are short; a long one shows what an old drain or doubt does an hour later. */
const LATEST = 800_000;
const LATEST_WHERE_PROBED = 300_000;
const LATEST_OF_A_LONG_LIFE = 2 * 3_600_000;

/** Where addresses of this VPC are recorded, whatever `-availability-zone` says. */
export const ZONE = "eu-west-1a";

/** Draws a scenario. */
export function drawScenario(tape: Tape): Scenario {
  // More groups than calls at a time.
  const count = tape.choose([[120, 1], [60, 2], [20, 3], [0.5, 12]]);
  const names = Array.from({ length: count }, (_, at) => NAMES[at] ?? `group-${at}`);
  const args = [...groupFlags(tape, names), ...otherFlags(tape)];
  const config = configOf(args);
  // The application is probed several times a second while its pod is drained.
  const isProbed = config.application.addresses.length > 0;
  const settle = config.timeouts.confirmSettle;
  return {
    config,
    args,
    groups: new Map(names.map((name) => [name, drawMembership(tape)])),
    weather: {
      trouble: tape.choose([[3, 0.15], [2, 0], [3, 0.5], [1, 0.9]]),
      outage: drawOutage(tape),
      clearsAt: tape.choose([[3, Infinity], [1, 30_000], [1, 120_000]]),
      settle,
      denials: drawDenials(tape),
      quota: tape.choose([
        [18, { from: 0, to: 0 }],
        [1, { from: 0, to: 15_000 }],
        [1, { from: 0, to: 90_000 }],
        [1, { from: 60_000, to: 400_000 }],
      ]),
    },
    applicationReadyAt: tape.choose([[6, 0], [3, tape.time(60_000)], [1, undefined]]),
    connections: drawConnections(tape),
    latest: isProbed
      ? LATEST_WHERE_PROBED
      : tape.choose([[30, LATEST], [1, LATEST_OF_A_LONG_LIFE]]),
    hookTrouble: tape.choose([[3, 0.1], [1, 0.6]]),
  };
}

function groupFlags(tape: Tape, names: readonly string[]): string[] {
  const byArn = tape.happens(0.3);
  return names.map((name) =>
    byArn ? `-target-group-arn=${arnOf(name)}` : `-target-group-name=${name}`
  );
}

function otherFlags(tape: Tape): string[] {
  const flag = (name: string, values: readonly string[]) => `-${name}=${tape.pick(values)}`;
  return [
    "-target-id=10.0.0.1",
    flag("resolve-timeout", ["1m0s", "10s", "0s"]),
    flag("wait-for-timeout", ["5m0s", "10s"]),
    flag("register-timeout", ["1m0s", "20s", "3s", "0s"]),
    flag("deregister-timeout", ["30s", "10s", "1m0s", "2s", "0s"]),
    flag("confirm-settle", ["5s", "2s", "20s", "0s"]),
    flag("wait-in-service", ["true", "true", "true", "false"]),
    flag("wait-in-service-timeout", ["5m0s", "30s", "2s"]),
    flag("require-in-service", ["false", "true"]),
    flag("ready-when-unused", ["false", "false", "false", "true"]),
    flag("wait-drained", ["false", "false", "true"]),
    flag("min-drain-time", ["10s", "3m0s", "10s", "2m0s", "0s"]),
    flag("grace-period", ["0s", "0s", "0s", "30s", "5m0s"]),
    ...(tape.happens(0.12) ? ["-wait-for=tcp://127.0.0.1:9092"] : []),
    ...(tape.happens(0.2) ? ["-wait-idle", "-idle-time=10s"] : []),
    ...(tape.happens(0.1) ? ["-availability-zone=eu-west-1b"] : []),
    flag("wait-drained-timeout", ["6m0s", "30s"]),
    flag("watch-interval", ["0s", "0s", "1m0s", "10s"]),
    ...(tape.happens(0.3) ? ["-listen=127.0.0.1:8080"] : []),
    flag("pre-register-timeout", ["5s", "1s"]),
    flag("post-register-timeout", ["5s", "30s"]),
    flag("pre-deregister-timeout", ["5s", "20s"]),
    flag("post-deregister-timeout", ["5s", "1s"]),
  ];
}

/** Reading flags takes longer than a life; there are not that many different ones. */
const configs = new Map<string, Config>();

function configOf(args: readonly string[]): Config {
  const key = args.join(" ");
  const known = configs.get(key);
  if (known !== undefined) return known;
  const reading = readConfig(args, {});
  if (reading.kind !== "run") throw new Error(`bad flags in a scenario: ${key}`);
  configs.set(key, reading.config);
  return reading.config;
}

function drawMembership(tape: Tape): MembershipPlan {
  return {
    before: tape.choose([[6, "absent"], [1, "draining"], [1, "registered"]]),
    healthyAfter: tape.happens(0.15) ? undefined : tape.time(240_000),
    unhealthy: tape.choose([
      [4, { state: "initial", reason: "Elb.RegistrationInProgress" }],
      [2, { state: "unhealthy", reason: "Target.FailedHealthChecks" }],
      [1, { state: "unused", reason: "Target.NotInUse" }],
      [1, { state: "unavailable", reason: "Target.HealthCheckDisabled" }],
    ]),
    drainsFor: tape.choose([[1, 300_000], [1, 20_000], [1, 0]]),
  };
}
