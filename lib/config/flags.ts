/**
 * The one table of flags: it drives parsing, the usage text, the variables' names, the types of
 * values, and the test of the docs. To add a flag, add a row.
 */
import type { Milliseconds } from "../host/duration.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../host/log.ts";
import { DEFAULT_TERMINATION_LOG } from "../host/termination_log.ts";
import {
  parseAddressRange,
  parseApplicationUrl,
  parseEndpointUrl,
  parseListenAddress,
  parseWebhookUrl,
} from "./addresses.ts";
import { choice, type Flag, list, optional, optionalUrl, text } from "./flag.ts";
import { boolean, port, time, timeout, unlimited } from "./go_values.ts";
import {
  parseGroupArn,
  parseGroupName,
  parseQuicServerId,
  parseRegion,
  parseTargetIds,
} from "./target.ts";

/** A hook's command. A mistake in it is an error at the start, not when the hook runs. */
const command = (help: string) =>
  optional((text, { commandError }) => {
    const error = commandError?.(text);
    return error === undefined ? { value: text } : { error };
  }, help);

const webhook = (help: string) => optionalUrl(parseWebhookUrl, help);

export const FLAGS = {
  "target-group-name": list(
    parseGroupName,
    "Which target group to use for registering and deregistering targets",
  ),
  "target-group-arn": list(parseGroupArn, "ARN of a target group to use"),
  "target-id": {
    ...optional(parseTargetIds, "Target ID to use"),
    fallback: "POD_IP",
  },
  "quic-server-id": optional(
    parseQuicServerId,
    "Server ID in target groups that serve QUIC: 0x and 16 hexadecimal digits, file:PATH, or derive",
  ),
  "target-port": port("Port to register, if it is not the target group's own"),
  "availability-zone": text(
    undefined,
    "Availability Zone of the target, or all for an IP address outside the VPC",
  ),
  "pre-register-command": command("Command to execute before target is registered"),
  "pre-register-url": webhook("URL to POST to before target is registered"),
  "pre-register-timeout": timeout("5s", "How long to wait for pre-register command to execute"),
  "post-register-command": command("Command to execute after target is registered"),
  "post-register-url": webhook("URL to POST to after target is registered"),
  "post-register-timeout": timeout("5s", "How long to wait for post-register command to execute"),
  "pre-deregister-command": command("Command to execute before target is deregistered"),
  "pre-deregister-url": webhook("URL to POST to before target is deregistered"),
  "pre-deregister-timeout": timeout("5s", "How long to wait for pre-deregister command to execute"),
  "post-deregister-command": command("Command to execute after target is deregistered"),
  "post-deregister-url": webhook("URL to POST to after target is deregistered"),
  "post-deregister-timeout": timeout(
    "5s",
    "How long to wait for post-deregister command to execute",
  ),
  "wait-for": {
    ...list(
      parseApplicationUrl,
      "Address that must answer before target is registered: tcp://HOST:PORT or http(s)://HOST:PORT/PATH",
    ),
    isUrl: true,
  },
  "wait-for-timeout": timeout("5m0s", "How long to wait for the addresses of -wait-for"),
  "wait-in-service": boolean(true, "Whether to wait for target group to become healthy"),
  "wait-in-service-timeout": time("5m0s", "How long to wait for target group to become healthy"),
  "require-in-service": boolean(
    false,
    "Whether to deregister and exit if target group does not become healthy in time",
  ),
  "ready-when-unused": boolean(
    false,
    "Whether a target counts as in service while no listener uses target group",
  ),
  "resolve-timeout": unlimited("How long to retry finding target group; 0s: without a limit"),
  "register-timeout": unlimited("How long to retry registering target; 0s: without a limit"),
  "deregister-timeout": unlimited(
    "How long to retry deregistering target; 0s: until the process is killed",
  ),
  "confirm-settle": time(
    "5s",
    "How long to keep checking that target is deregistered after a call got no response",
  ),
  "wait-drained": boolean(
    false,
    "Whether to wait until target is drained before exiting; /drain always waits",
  ),
  "wait-drained-timeout": timeout("6m0s", "How long to wait until target is drained"),
  "min-drain-time": time(
    "3m0s",
    "Shortest time from deregistering target until it counts as drained",
  ),
  "wait-idle": boolean(
    false,
    "Whether to end the drain once no external connection is left",
  ),
  "idle-time": time(
    "15s",
    "Shortest time without a new or open external connection, with -wait-idle",
  ),
  "grace-period": time(
    "0s",
    "The pod's terminationGracePeriodSeconds, into which waits are made to fit; 0s: unknown",
  ),
  "listen": optional(parseListenAddress, "Address to serve HTTP endpoints on, such as :8080"),
  "drain-allow": {
    ...list(
      parseAddressRange,
      "IP address or CIDR range that may call /drain and /register, besides the pod itself",
    ),
    fallback: "HOST_IP",
    needs: "listen",
  },
  "drain-token-file": {
    ...text(
      undefined,
      "File containing the bearer token that lets any client call /drain and /register",
    ),
    needs: "listen",
  },
  "drain-token-required": {
    ...boolean(
      false,
      "Whether every client, even in the pod, needs the token to call /drain and /register",
    ),
    needs: "listen",
  },
  "state-file": {
    ...text(
      undefined,
      "File that keeps a drain over a restart of the sidecar, on an emptyDir volume",
    ),
    needs: "listen",
  },
  "pod-uid": {
    ...text(undefined, "The pod's uid: what another pod has left in -state-file is ignored"),
    fallback: "POD_UID",
    needs: "listen",
  },
  "watch-interval": time(
    "0s",
    "How often to check that target is still registered, and register it again if not; 0s: never",
  ),
  "region": optional(
    parseRegion,
    "AWS region of target group; if not given, that of its ARN or of the AWS settings",
  ),
  "endpoint-url": optionalUrl(
    parseEndpointUrl,
    "URL of the Elastic Load Balancing API, if it is not the region's own",
  ),
  "log-format": choice(LOG_FORMATS, "text", "Format of log lines: text or json"),
  "log-level": choice(LOG_LEVELS, "info", "Lowest level to log: debug, info, warn or error"),
  "termination-log": text(DEFAULT_TERMINATION_LOG, "File to write the reason for a failure to"),
  "check": boolean(
    false,
    "Report what a run would do and what is missing, register nothing, and exit",
  ),
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

/** All names, sorted as in the usage text. */
export const FLAG_NAMES: readonly FlagName[] = Object.keys(FLAGS).filter(isFlagName).sort();

/** Whether a flag of this name exists. */
export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

/** The row of a flag. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** The prefix of the sidecar's own environment variables. */
export const ENVIRONMENT_PREFIX = "NLB_REGISTRATOR_";

/** The environment variable of a flag: `NLB_REGISTRATOR_LOG_LEVEL`. */
export function environmentName(name: FlagName): string {
  return ENVIRONMENT_PREFIX + name.replaceAll("-", "_").toUpperCase();
}

/** The variables to read a flag from: the first one that is set wins. */
export function variablesOf(name: FlagName): readonly string[] {
  const { inEnvironment, fallback } = flag(name);
  const own = inEnvironment === false ? [] : [environmentName(name)];
  return fallback !== undefined ? [...own, fallback] : own;
}

/**
 * The part of `-grace-period` reserved for what follows a wait: confirming that the target is
 * deregistered, hooks, the exit. No flag changes it.
 */
export const RESERVE: Milliseconds = 5_000;
