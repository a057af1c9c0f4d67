/**
 * The one table of flags. Parser, usage text, environment names, typed values and the test of the
 * README's table are driven by it: a new flag is one entry here.
 */
import { LOG_FORMATS, LOG_LEVELS } from "../host/log.ts";
import { DEFAULT_TERMINATION_LOG } from "../host/termination_log.ts";
import type { Flag, ValueOf } from "./flag.ts";

export const FLAGS = {
  "target-group-name": {
    kind: "string",
    list: true,
    group: "targets",
    help: "Which target group to use for registering and deregistering targets",
  },
  "target-group-arn": {
    kind: "string",
    list: true,
    group: "targets",
    help: "Which target group to use, by its ARN",
  },
  "target-id": {
    kind: "string",
    fallback: "POD_IP",
    group: "targets",
    help: "Target ID to use",
  },
  "target-port": {
    kind: "port",
    default: 0,
    group: "targets",
    help: "Port of the target, where it is not the target group's",
  },
  "availability-zone": {
    kind: "string",
    group: "targets",
    help: "Availability Zone of the target, or all, for an address outside the VPC",
  },
  "pre-register-command": {
    kind: "string",
    group: "hooks",
    help: "Command to execute before target is registered",
  },
  "pre-register-url": {
    kind: "string",
    group: "hooks",
    help: "URL to POST to before target is registered",
  },
  "pre-register-timeout": {
    kind: "duration",
    default: "5s",
    group: "hooks",
    help: "How long to wait for pre-register command to execute",
  },
  "post-register-command": {
    kind: "string",
    group: "hooks",
    help: "Command to execute after target is registered",
  },
  "post-register-url": {
    kind: "string",
    group: "hooks",
    help: "URL to POST to after target is registered",
  },
  "post-register-timeout": {
    kind: "duration",
    default: "5s",
    group: "hooks",
    help: "How long to wait for post-register command to execute",
  },
  "pre-deregister-command": {
    kind: "string",
    group: "hooks",
    help: "Command to execute before target is deregistered",
  },
  "pre-deregister-url": {
    kind: "string",
    group: "hooks",
    help: "URL to POST to before target is deregistered",
  },
  "pre-deregister-timeout": {
    kind: "duration",
    default: "5s",
    group: "hooks",
    help: "How long to wait for pre-deregister command to execute",
  },
  "post-deregister-command": {
    kind: "string",
    group: "hooks",
    help: "Command to execute after target is deregistered",
  },
  "post-deregister-url": {
    kind: "string",
    group: "hooks",
    help: "URL to POST to after target is deregistered",
  },
  "post-deregister-timeout": {
    kind: "duration",
    default: "5s",
    group: "hooks",
    help: "How long to wait for post-deregister command to execute",
  },
  "wait-for": {
    kind: "string",
    list: true,
    group: "waits",
    help:
      "What has to answer before target is registered: tcp://HOST:PORT or http(s)://HOST:PORT/PATH",
  },
  "wait-for-timeout": {
    kind: "duration",
    default: "5m0s",
    group: "waits",
    help: "How long to wait for what -wait-for names",
  },
  "wait-in-service": {
    kind: "boolean",
    default: true,
    group: "waits",
    help: "Whether to wait for target group to become healthy",
  },
  "wait-in-service-timeout": {
    kind: "duration",
    default: "5m0s",
    mayBeZero: true,
    group: "waits",
    help: "How long to wait for target group to become healthy",
  },
  "require-in-service": {
    kind: "boolean",
    default: false,
    group: "waits",
    help: "Whether to deregister and exit if target group does not become healthy in time",
  },
  "resolve-timeout": {
    kind: "duration",
    default: "1m0s",
    group: "waits",
    help: "How long to try to find target group",
  },
  "register-timeout": {
    kind: "duration",
    default: "1m0s",
    group: "waits",
    help: "How long to try to register target",
  },
  "deregister-timeout": {
    kind: "duration",
    default: "30s",
    group: "waits",
    help: "How long to try to deregister target",
  },
  "confirm-settle": {
    kind: "duration",
    default: "5s",
    mayBeZero: true,
    group: "waits",
    help: "How long to keep checking that target is deregistered where a call got no answer",
  },
  "wait-drained": {
    kind: "boolean",
    default: false,
    group: "waits",
    help: "Whether to wait until target is drained before exiting; a call of /drain always does",
  },
  "wait-drained-timeout": {
    kind: "duration",
    default: "6m0s",
    group: "waits",
    help: "How long to wait until target is drained",
  },
  "min-drain-time": {
    kind: "duration",
    default: "2m0s",
    mayBeZero: true,
    group: "waits",
    help: "How long after deregistering a target counts as drained at the earliest",
  },
  "wait-idle": {
    kind: "boolean",
    default: false,
    group: "waits",
    help: "Whether drained means that no connection from outside the pod is left",
  },
  "idle-time": {
    kind: "duration",
    default: "5s",
    mayBeZero: true,
    group: "waits",
    help: "How long there has to be no connection, with -wait-idle",
  },
  "grace-period": {
    kind: "duration",
    default: "0s",
    mayBeZero: true,
    group: "waits",
    help:
      "The pod's terminationGracePeriodSeconds: waits after a stop end before it; 0s: not known",
  },
  "listen": {
    kind: "string",
    group: "service",
    help: "Address to serve HTTP endpoints on, as in :8080",
  },
  "drain-allow": {
    kind: "string",
    list: true,
    fallback: "HOST_IP",
    group: "service",
    help: "IP address that may call /drain and /register, besides the pod itself",
  },
  "drain-token-file": {
    kind: "string",
    group: "service",
    help: "File with the bearer token that allows /drain and /register from anywhere",
  },
  "watch-interval": {
    kind: "duration",
    default: "0s",
    mayBeZero: true,
    group: "service",
    help: "How often to see whether target is still registered, and register it again; 0s: never",
  },
  "region": {
    kind: "string",
    group: "other",
    help: "AWS region of target group; without it, its ARN's or that of the SDK's settings",
  },
  "endpoint-url": {
    kind: "string",
    group: "other",
    help: "URL of the Elastic Load Balancing API, where it is not the region's own",
  },
  "log-format": {
    kind: "choice",
    choices: LOG_FORMATS,
    default: "text",
    group: "other",
    help: "Format of log lines: text or json",
  },
  "log-level": {
    kind: "choice",
    choices: LOG_LEVELS,
    default: "info",
    group: "other",
    help: "Lowest level of log lines: debug, info, warn or error",
  },
  "termination-log": {
    kind: "string",
    default: DEFAULT_TERMINATION_LOG,
    group: "other",
    help: "File to write the reason for a failure to",
  },
  "check": {
    kind: "boolean",
    default: false,
    group: "other",
    help: "Say what would be done and what is missing, register nothing, and exit",
  },
  "version": {
    kind: "boolean",
    default: false,
    // Images often carry a VERSION variable; it must not stop the sidecar.
    inEnvironment: false,
    group: "other",
    help: "Print the version and exit",
  },
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** The value of every flag. */
export type FlagValues = { readonly [N in FlagName]: ValueOf<typeof FLAGS[N]> };

/** All names, sorted, as the usage text has them. */
export const FLAG_NAMES: readonly FlagName[] = Object.keys(FLAGS).filter(isFlagName).sort();

/** Whether a flag of this name exists. */
export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

/** The entry of a flag, without what is special to it. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** What the names of the sidecar's own environment variables begin with. */
export const ENVIRONMENT_PREFIX = "NLB_REGISTRATOR_";

/** The variable that a flag is read from where it is not given: `NLB_REGISTRATOR_LOG_LEVEL`. */
export function environmentName(name: FlagName): string {
  return ENVIRONMENT_PREFIX + name.replaceAll("-", "_").toUpperCase();
}
