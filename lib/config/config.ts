/** From arguments and environment to what the sidecar is to do. Nothing here reaches the system. */
import type { ApplicationAddress } from "../application/probe.ts";
import { type GroupReference, targetKind, type TargetOptions } from "../registration/resolve.ts";
import { HOOK_EVENTS, type HookEvent, type HookSettings } from "../hooks/hook.ts";
import { SHELL } from "../hooks/words.ts";
import { splitWords, unterminatedQuote } from "../hooks/words.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { LogFormat, LogLevel } from "../host/log.ts";
import { type ListenAddress, parseAddress, parseListenAddress } from "./address.ts";
import { readArguments } from "./arguments.ts";
import { type Checked, Checks } from "./checks.ts";
import type { FlagValues } from "./flags.ts";
import type { Parsed } from "./kinds.ts";
import { parseEndpointUrl, parseRegion } from "./region.ts";
import { type Environment, readSettings, type Settings } from "./settings.ts";
import { conflicts, parseGroupArn, parseGroupName } from "./target_groups.ts";
import { parseTargetIds } from "./target_id.ts";
import { parseApplicationUrl, parseWebhookUrl } from "./urls.ts";
import { usage } from "./usage.ts";
import { warningsOf } from "./warnings.ts";

/** What one sidecar is to do. Every value in here is a valid one. */
export interface Config {
  /** At least one, none twice. */
  readonly groups: readonly GroupReference[];
  readonly target: TargetOptions;
  readonly application: {
    /** What has to answer before the target is registered. */
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
  /** What the pod's end takes at most; 0: not known. */
  readonly gracePeriod: Milliseconds;
  /** The HTTP endpoints, if there are to be any. */
  readonly service?: ServiceConfig;
  /** How often to see whether the target is still registered; 0: never. */
  readonly watchInterval: Milliseconds;
  /** Only say what would be done. */
  readonly check: boolean;
  readonly timeouts: {
    readonly resolve: Milliseconds;
    readonly register: Milliseconds;
    readonly deregister: Milliseconds;
    readonly confirmSettle: Milliseconds;
  };
  readonly api: {
    /** `-region`, else that of the groups' ARNs, else what the SDK finds by itself. */
    readonly region?: string;
    readonly endpointUrl?: string;
  };
  readonly log: { readonly format: LogFormat; readonly level: LogLevel };
  readonly terminationLog: string;
}

/** When a target is drained. */
export interface DrainConfig {
  /** Whether a stop waits for it; a call of `/drain` always does. */
  readonly wait: boolean;
  readonly timeout: Milliseconds;
  readonly minTime: Milliseconds;
  /** Whether the connections decide, rather than the API. */
  readonly idle: boolean;
  readonly idleTime: Milliseconds;
}

/** The HTTP endpoints. */
export interface ServiceConfig {
  readonly listen: ListenAddress;
  /** Who may call `/drain` and `/register`, besides the pod itself: addresses in one spelling. */
  readonly drainAllow: readonly string[];
  readonly tokenFile?: string;
}

/** What the command line and the environment ask for. */
export type Reading =
  | {
    readonly kind: "run";
    readonly config: Config;
    /** What is odd but no fault, a sentence each. */
    readonly warnings: readonly string[];
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | {
    readonly kind: "faults";
    /** All that is wrong, a sentence each; the syntax faults first, as they stand there. */
    readonly faults: readonly string[];
    /** The faults, a line each, and the usage text, as Go prints them. */
    readonly text: string;
    /** Where the faults are to be written as well. */
    readonly terminationLog: string;
  };

/** What the checks need to know of the system. */
export interface System {
  /** Whether commands can be given to a shell. */
  readonly shell: boolean;
}

/** Reads and checks everything at once. */
export function readConfig(
  args: readonly string[],
  env: Environment,
  system: System = { shell: true },
): Reading {
  const read = readArguments(args);
  if (read.help) return { kind: "help", text: usage() };
  const settings = readSettings(read, env);
  const { faults, values } = settings;
  if (values.version && faults.length === 0) return { kind: "version" };
  const checked = check(settings, system);
  if ("config" in checked) {
    return { kind: "run", config: checked.config, warnings: warningsOf(settings, env) };
  }
  return {
    kind: "faults",
    faults: checked.faults,
    text: [...checked.faults, usage()].join("\n"),
    terminationLog: values["termination-log"],
  };
}

function check(
  settings: Settings,
  { shell }: System,
): { config: Config } | { faults: readonly string[] } {
  const { values } = settings;
  const checks = new Checks(settings);
  const groups: Checked<GroupReference>[] = [
    ...checks.each("target-group-name", parseGroupName),
    ...checks.each("target-group-arn", parseGroupArn),
  ];
  const ids = checks.one("target-id", parseTargetIds);
  const region = checks.one("region", parseRegion);
  const endpointUrl = checks.one("endpoint-url", parseEndpointUrl);
  const parse = shell ? parseShellCommand : parseWords;
  for (const event of HOOK_EVENTS) {
    checks.one(`${event}-command`, parse);
    checks.one(`${event}-url`, parseWebhookUrl);
  }
  const addresses = checks.each("wait-for", parseApplicationUrl).map(({ value }) => value);
  const listen = checks.one("listen", parseListenAddress)?.value;
  const drainAllow = checks.each("drain-allow", parseAddress).map(({ value }) => value);
  const faults = [
    ...checks.faults,
    ...conflicts(groups, region),
    ...(ids === undefined ? [] : instanceFaults(ids, values)),
    ...missing(settings),
  ];
  if (faults.length > 0 || ids === undefined) return { faults };
  const apiRegion = region?.value ?? regionOf(groups);
  return {
    config: {
      groups: groups.map(({ value }) => value),
      target: target(ids.value, values),
      application: { addresses, timeout: values["wait-for-timeout"] },
      hooks: hooks(values),
      inService: {
        wait: values["wait-in-service"],
        timeout: values["wait-in-service-timeout"],
        required: values["wait-in-service"] && values["require-in-service"],
      },
      drain: drain(values),
      gracePeriod: values["grace-period"],
      ...(listen !== undefined && { service: service(listen, drainAllow, values) }),
      watchInterval: values["watch-interval"],
      check: values.check,
      timeouts: {
        resolve: values["resolve-timeout"],
        register: values["register-timeout"],
        deregister: values["deregister-timeout"],
        confirmSettle: values["confirm-settle"],
      },
      api: {
        ...(apiRegion !== undefined && { region: apiRegion }),
        ...(endpointUrl !== undefined && { endpointUrl: endpointUrl.value }),
      },
      log: { format: values["log-format"], level: values["log-level"] },
      terminationLog: values["termination-log"],
    },
  };
}

/** An instance's connections are not those of this pod. */
function instanceFaults(
  { value, invalid }: Checked<readonly string[]>,
  values: FlagValues,
): string[] {
  return values["wait-idle"] && value.some((id) => targetKind(id) === "instance")
    ? [invalid("-wait-idle sees the pod's own connections: it takes an IP address")]
    : [];
}

function target(ids: readonly string[], values: FlagValues): TargetOptions {
  const { "target-port": port, "availability-zone": availabilityZone } = values;
  return {
    ids,
    ...(port !== 0 && { port }),
    ...(availabilityZone !== undefined && { availabilityZone }),
    lookUp: values["wait-idle"],
  };
}

function drain(values: FlagValues): DrainConfig {
  return {
    wait: values["wait-drained"],
    timeout: values["wait-drained-timeout"],
    minTime: values["min-drain-time"],
    idle: values["wait-idle"],
    idleTime: values["idle-time"],
  };
}

function service(
  listen: ListenAddress,
  drainAllow: readonly string[],
  values: FlagValues,
): ServiceConfig {
  const tokenFile = values["drain-token-file"];
  return { listen, drainAllow, ...(tokenFile !== undefined && { tokenFile }) };
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

function regionOf(groups: readonly Checked<GroupReference>[]): string | undefined {
  return groups.flatMap(({ value }) => value.by === "arn" ? [value.region] : [])[0];
}

function parseShellCommand(command: string): Parsed<string> {
  return unterminatedQuote(command)
    ? { fault: "a quote in it is opened and not closed" }
    : { value: command };
}

/** Without a shell, what only a shell can do is a fault at the start, not a surprise at the end. */
function parseWords(command: string): Parsed<string> {
  const quotes = parseShellCommand(command);
  if ("fault" in quotes) return quotes;
  const split = splitWords(command);
  return split.kind === "words"
    ? { value: command }
    : { fault: `there is no ${SHELL} here to run it, and ${split.reason}` };
}

/** What has to be given and is not. */
function missing({ sources, operands }: Settings): string[] {
  // It may be given after an operand, where nothing is read: that fault is enough.
  if (operands.some((operand) => operand.startsWith("-"))) return [];
  const faults: string[] = [];
  if (!sources.has("target-group-name") && !sources.has("target-group-arn")) {
    faults.push("no target group: give -target-group-name or -target-group-arn");
  }
  if (!sources.has("target-id")) {
    faults.push(
      "no target id: give -target-id, or set POD_IP from the Downward API (fieldRef status.podIP)",
    );
  }
  return faults;
}
