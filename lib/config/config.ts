/** The configuration, from arguments and environment. Nothing here touches the system. */
import type { HookEvent, HookSettings } from "../hooks/hook.ts";
import type { AddressRange, ListenAddress } from "../host/address.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { LogFormat, LogLevel } from "../host/log.ts";
import type { ApplicationAddress } from "./addresses.ts";
import { readArguments } from "./arguments.ts";
import { conflictsOf, warningsOf } from "./checks.ts";
import type { System } from "./flag.ts";
import type { FlagValues } from "./flags.ts";
import { type Environment, readSettings } from "./settings.ts";
import type { GroupReference, TargetOptions } from "./target.ts";
import { usage } from "./usage.ts";

/** What one sidecar does. Every value is valid. */
export interface Config {
  /** At least one; no duplicates. */
  readonly groups: readonly GroupReference[];
  readonly target: TargetOptions;
  readonly application: {
    /** Must answer before the target is registered. */
    readonly addresses: readonly ApplicationAddress[];
    readonly timeout: Milliseconds;
  };
  readonly hooks: Readonly<Record<HookEvent, HookSettings>>;
  readonly inService: {
    readonly wait: boolean;
    readonly timeout: Milliseconds;
    readonly required: boolean;
  };
  readonly drain: DrainConfig;
  /** The pod's grace period; 0: unknown. */
  readonly gracePeriod: Milliseconds;
  /** The HTTP endpoints; undefined: none. */
  readonly service?: ServiceConfig;
  /** How often to check that the target is still registered; 0: never. */
  readonly watchInterval: Milliseconds;
  /** Whether to report what a run would do, and to change nothing. */
  readonly check: boolean;
  readonly timeouts: {
    readonly resolve: Milliseconds;
    readonly register: Milliseconds;
    readonly deregister: Milliseconds;
    readonly confirmSettle: Milliseconds;
  };
  readonly api: {
    /** `-region`, or the region of the groups' ARNs; undefined: the SDK finds one. */
    readonly region?: string;
    readonly endpointUrl?: string;
  };
  readonly log: { readonly format: LogFormat; readonly level: LogLevel };
  readonly terminationLog: string;
}

/** When a drain ends. */
export interface DrainConfig {
  /** Whether a stop waits for the drain; `/drain` always does. */
  readonly wait: boolean;
  readonly timeout: Milliseconds;
  readonly minTime: Milliseconds;
  /** Whether the drain ends once no external connection is left, instead of by the API. */
  readonly idle: boolean;
  readonly idleTime: Milliseconds;
}

/** The HTTP endpoints. */
export interface ServiceConfig {
  readonly listen: ListenAddress;
  /** Clients that may call `/drain` and `/register`, besides the pod itself. */
  readonly drainAllow: readonly AddressRange[];
  /** Contains the token that lets any client call them. */
  readonly tokenFile?: string;
  /** Whether every client needs the token, even in the pod. */
  readonly tokenRequired: boolean;
}

/** What the command line and the environment request. */
export type Reading =
  | {
    readonly kind: "run";
    readonly config: Config;
    readonly warnings: readonly string[];
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | InputErrors;

/** Invalid input. */
export interface InputErrors {
  readonly kind: "errors";
  /** At least one. */
  readonly errors: readonly string[];
  /** How to write the errors, and where besides stderr. */
  readonly logFormat: LogFormat;
  readonly terminationLog: string;
}

/** Reads and checks everything, and reports all errors at once. */
export function readConfig(
  args: readonly string[],
  env: Environment,
  system: System = { shell: true },
): Reading {
  const read = readArguments(args);
  if (read.help) return { kind: "help", text: usage() };
  const settings = readSettings(read, env, system);
  const { values } = settings;
  if (values.version && settings.errors.length === 0) return { kind: "version" };
  const errors = [...settings.errors, ...conflictsOf(settings, read.operands)];
  if (errors.length > 0) {
    return {
      kind: "errors",
      errors,
      logFormat: values["log-format"],
      terminationLog: values["termination-log"],
    };
  }
  return { kind: "run", config: configOf(values), warnings: warningsOf(settings, env) };
}

function configOf(values: FlagValues): Config {
  const region = values.region ?? values["target-group-arn"][0]?.region;
  const endpointUrl = values["endpoint-url"];
  return {
    groups: [...values["target-group-name"], ...values["target-group-arn"]],
    target: target(values),
    application: { addresses: values["wait-for"], timeout: values["wait-for-timeout"] },
    hooks: hooks(values),
    inService: {
      wait: values["wait-in-service"],
      timeout: values["wait-in-service-timeout"],
      required: values["wait-in-service"] && values["require-in-service"],
    },
    drain: {
      wait: values["wait-drained"],
      timeout: values["wait-drained-timeout"],
      minTime: values["min-drain-time"],
      idle: values["wait-idle"],
      idleTime: values["idle-time"],
    },
    gracePeriod: values["grace-period"],
    ...service(values),
    watchInterval: values["watch-interval"],
    check: values.check,
    timeouts: {
      resolve: values["resolve-timeout"],
      register: values["register-timeout"],
      deregister: values["deregister-timeout"],
      confirmSettle: values["confirm-settle"],
    },
    api: {
      ...(region !== undefined && { region }),
      ...(endpointUrl !== undefined && { endpointUrl }),
    },
    log: { format: values["log-format"], level: values["log-level"] },
    terminationLog: values["termination-log"],
  };
}

function target(values: FlagValues): TargetOptions {
  const { "target-port": port, "availability-zone": availabilityZone } = values;
  return {
    ids: values["target-id"] ?? [],
    ...(port !== undefined && { port }),
    ...(availabilityZone !== undefined && { availabilityZone }),
    lookUp: values["wait-idle"],
  };
}

function hooks(values: FlagValues): Config["hooks"] {
  const of = (event: HookEvent): HookSettings => ({
    command: values[`${event}-command`],
    url: values[`${event}-url`],
    timeout: values[`${event}-timeout`],
  });
  return {
    "pre-register": of("pre-register"),
    "post-register": of("post-register"),
    "pre-deregister": of("pre-deregister"),
    "post-deregister": of("post-deregister"),
  };
}

function service(values: FlagValues): Pick<Config, "service"> {
  const { listen, "drain-allow": drainAllow, "drain-token-file": tokenFile } = values;
  if (listen === undefined) return {};
  const tokenRequired = values["drain-token-required"];
  const token = tokenFile !== undefined && { tokenFile };
  return { service: { listen, drainAllow, tokenRequired, ...token } };
}
