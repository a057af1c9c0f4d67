/**
 * The one table of flags. Parsers, usage text, environment names, typed values and the test of the
 * documentation's table are driven by it: a new flag is one row here.
 */
import type { Milliseconds } from "../host/duration.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../host/log.ts";
import { DEFAULT_TERMINATION_LOG } from "../host/termination_log.ts";
import {
  parseAddress,
  parseApplicationUrl,
  parseEndpointUrl,
  parseListenAddress,
  parseWebhookUrl,
} from "./addresses.ts";
import { parseCommand } from "./command.ts";
import { choice, type Flag, list, optional, parseText, text } from "./flag.ts";
import { boolean, port, time, timeout } from "./go_values.ts";
import { parseGroupArn, parseGroupName, parseRegion, parseTargetIds } from "./target.ts";

export const FLAGS = {
  "target-group-name": list(
    parseGroupName,
    "Which target group to use for registering and deregistering targets",
  ),
  "target-group-arn": list(parseGroupArn, "Which target group to use, by its ARN"),
  "target-id": {
    ...optional(parseTargetIds, "Target ID to use"),
    fallback: "POD_IP",
  },
  "target-port": port("Port of the target, where it is not the target group's"),
  "availability-zone": optional(
    parseText,
    "Availability Zone of the target, or all, for an address outside the VPC",
  ),
  "pre-register-command": optional(parseCommand, "Command to execute before target is registered"),
  "pre-register-url": optional(parseWebhookUrl, "URL to POST to before target is registered"),
  "pre-register-timeout": timeout("5s", "How long to wait for pre-register command to execute"),
  "post-register-command": optional(parseCommand, "Command to execute after target is registered"),
  "post-register-url": optional(parseWebhookUrl, "URL to POST to after target is registered"),
  "post-register-timeout": timeout("5s", "How long to wait for post-register command to execute"),
  "pre-deregister-command": optional(
    parseCommand,
    "Command to execute before target is deregistered",
  ),
  "pre-deregister-url": optional(parseWebhookUrl, "URL to POST to before target is deregistered"),
  "pre-deregister-timeout": timeout("5s", "How long to wait for pre-deregister command to execute"),
  "post-deregister-command": optional(
    parseCommand,
    "Command to execute after target is deregistered",
  ),
  "post-deregister-url": optional(parseWebhookUrl, "URL to POST to after target is deregistered"),
  "post-deregister-timeout": timeout(
    "5s",
    "How long to wait for post-deregister command to execute",
  ),
  "wait-for": list(
    parseApplicationUrl,
    "What has to answer before target is registered: tcp://HOST:PORT or http(s)://HOST:PORT/PATH",
  ),
  "wait-for-timeout": timeout("5m0s", "How long to wait for what -wait-for names"),
  "wait-in-service": boolean(true, "Whether to wait for target group to become healthy"),
  "wait-in-service-timeout": time("5m0s", "How long to wait for target group to become healthy"),
  "require-in-service": boolean(
    false,
    "Whether to deregister and exit if target group does not become healthy in time",
  ),
  "resolve-timeout": timeout("1m0s", "How long to try to find target group"),
  "register-timeout": timeout("1m0s", "How long to try to register target"),
  "deregister-timeout": timeout("30s", "How long to try to deregister target"),
  "confirm-settle": time(
    "5s",
    "How long to keep checking that target is deregistered where a call got no answer",
  ),
  "wait-drained": boolean(
    false,
    "Whether to wait until target is drained before exiting; a call of /drain always does",
  ),
  "wait-drained-timeout": timeout("6m0s", "How long to wait until target is drained"),
  "min-drain-time": time(
    "2m0s",
    "How long after deregistering a target counts as drained at the earliest",
  ),
  "wait-idle": boolean(
    false,
    "Whether drained means that no connection from outside the pod is left",
  ),
  "idle-time": time("5s", "How long there has to be no connection, with -wait-idle"),
  "grace-period": time(
    "0s",
    "The pod's terminationGracePeriodSeconds: waits after a stop end before it; 0s: not known",
  ),
  "listen": optional(parseListenAddress, "Address to serve HTTP endpoints on, as in :8080"),
  "drain-allow": {
    ...list(parseAddress, "IP address that may call /drain and /register, besides the pod itself"),
    fallback: "HOST_IP",
  },
  "drain-token-file": optional(
    parseText,
    "File with the bearer token that allows /drain and /register from anywhere",
  ),
  "watch-interval": time(
    "0s",
    "How often to see whether target is still registered, and register it again; 0s: never",
  ),
  "region": optional(
    parseRegion,
    "AWS region of target group; without it, its ARN's or that of the SDK's settings",
  ),
  "endpoint-url": optional(
    parseEndpointUrl,
    "URL of the Elastic Load Balancing API, where it is not the region's own",
  ),
  "log-format": choice(LOG_FORMATS, "text", "Format of log lines: text or json"),
  "log-level": choice(LOG_LEVELS, "info", "Lowest level of log lines: debug, info, warn or error"),
  "termination-log": text(DEFAULT_TERMINATION_LOG, "File to write the reason for a failure to"),
  "check": boolean(false, "Say what would be done and what is missing, register nothing, and exit"),
  "version": {
    ...boolean(false, "Print the version and exit"),
    // Images often carry a VERSION variable; it must not stop the sidecar.
    inEnvironment: false,
  },
} satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** The value of every flag. */
export type FlagValues = {
  readonly [N in FlagName]: ReturnType<typeof FLAGS[N]["read"]>["value"];
};

/** All names, sorted, as the usage text has them. */
export const FLAG_NAMES: readonly FlagName[] = Object.keys(FLAGS).filter(isFlagName).sort();

/** Whether a flag of this name exists. */
export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

/** The row of a flag, without what is special to it. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** What the names of the sidecar's own environment variables begin with. */
export const ENVIRONMENT_PREFIX = "NLB_REGISTRATOR_";

/** The variable that a flag is read from where it is not given: `NLB_REGISTRATOR_LOG_LEVEL`. */
export function environmentName(name: FlagName): string {
  return ENVIRONMENT_PREFIX + name.replaceAll("-", "_").toUpperCase();
}

/** The variables that a flag is read from, the first one that is set winning. */
export function variablesOf(name: FlagName): readonly string[] {
  const { inEnvironment, fallback } = flag(name);
  const own = inEnvironment === false ? [] : [environmentName(name)];
  return fallback !== undefined ? [...own, fallback] : own;
}

/**
 * What is kept back of `-grace-period` for what comes after a wait: confirming that the target is
 * deregistered, hooks, the exit. No flag changes it.
 */
export const RESERVE: Milliseconds = 5_000;
