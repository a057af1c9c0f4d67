/** The configuration, from arguments and environment. Nothing here touches the system. */
import type { HookEvent, HookSettings } from "../hooks/hook.ts";
import type { LogFormat } from "../host/log.ts";
import { readArguments } from "./arguments.ts";
import { conflictsOf, warningsOf } from "./checks.ts";
import type { System } from "./flag.ts";
import type { FlagValues } from "./flags.ts";
import { type Environment, readSettings } from "./settings.ts";
import type { TargetOptions } from "./target.ts";
import { usage } from "./usage.ts";

/** What one sidecar does, as the flags' values say. Every value is valid. */
export type Config = Readonly<ReturnType<typeof configOf>>;

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
  system: System = {},
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

function configOf(values: FlagValues) {
  const region = values.region ?? values["target-group-arn"][0]?.region;
  const endpointUrl = values["endpoint-url"];
  return {
    /** At least one; no duplicates. */
    groups: [...values["target-group-name"], ...values["target-group-arn"]],
    target: target(values),
    /** What must answer before the target is registered. */
    application: { addresses: values["wait-for"], timeout: values["wait-for-timeout"] },
    hooks: hooks(values),
    inService: {
      wait: values["wait-in-service"],
      timeout: values["wait-in-service-timeout"],
      required: values["wait-in-service"] && values["require-in-service"],
      /** Whether a target counts as in service while no listener uses its group. */
      whenUnused: values["ready-when-unused"],
    },
    drain: {
      /** Whether a stop waits for the drain; `/drain` always does. */
      wait: values["wait-drained"],
      timeout: values["wait-drained-timeout"],
      minTime: values["min-drain-time"],
      /** Whether the drain ends once no external connection is left, instead of by the API. */
      idle: values["wait-idle"],
      idleTime: values["idle-time"],
    },
    /** 0: unknown. */
    gracePeriod: values["grace-period"],
    ...service(values),
    ...state(values),
    /** 0: never. */
    watchInterval: values["watch-interval"],
    check: values.check,
    timeouts: {
      resolve: values["resolve-timeout"],
      register: values["register-timeout"],
      deregister: values["deregister-timeout"],
      confirmSettle: values["confirm-settle"],
    },
    /** Without a region, the SDK finds one. */
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
  const quicServerId = values["quic-server-id"];
  return {
    ids: values["target-id"] ?? [],
    ...(port !== undefined && { port }),
    ...(availabilityZone !== undefined && { availabilityZone }),
    ...(quicServerId !== undefined && { quicServerId }),
    lookUp: values["wait-idle"] || quicServerId !== undefined,
  };
}

function hooks(values: FlagValues): Readonly<Record<HookEvent, HookSettings>> {
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

/** Where a drain is kept over a restart, if it is. */
function state(values: FlagValues) {
  const { listen, "state-file": path, "pod-uid": pod } = values;
  return listen === undefined || path === undefined || pod === undefined
    ? {}
    : { stateFile: { path, pod } };
}

/** The HTTP endpoints, if there are any. */
function service(values: FlagValues) {
  const { listen, "drain-allow": drainAllow, "drain-token-file": tokenFile } = values;
  if (listen === undefined) return {};
  const tokenRequired = values["drain-token-required"];
  return {
    service: { listen, drainAllow, tokenRequired, ...(tokenFile !== undefined && { tokenFile }) },
  };
}
