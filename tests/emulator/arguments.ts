/** The emulator's own command line. */
import { parseArgs } from "@std/cli/parse-args";
import type { EmulatorOptions } from "./emulator.ts";
import { FAULTS, parseFaultRule } from "./faults.ts";
import { type GroupOptions, groupSettings, isPort } from "./settings.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "start"; readonly options: EmulatorOptions }
  | { readonly kind: "refused"; readonly errors: readonly string[] };

const OPTIONS = {
  "port": ["PORT", "port to listen on; 0, the default, for any free one"],
  "region": ["NAME", "region of the target groups (default eu-west-1)"],
  "group": ["NAME[:PORT][,SETTING=VALUE]…", "a target group; may be repeated (default kafka:9092)"],
  "fault": ["JSON", "a fault rule; may be repeated"],
} as const;
const NAMES = Object.keys(OPTIONS);

/** What a group in JSON may have; times are in milliseconds. */
const SETTINGS: Readonly<Record<keyof GroupOptions, string>> = {
  name: "at most 32 letters, digits and hyphens",
  port: "the port of targets registered without one (80)",
  targetType: '"ip" or "instance"',
  ipAddressType: '"ipv4" or "ipv6"',
  protocol: '"TCP"',
  inUse: "false: no load balancer uses it, targets stay unused",
  quota: "how many targets it can have (500)",
  deregistrationDelaySeconds: "whole seconds (300)",
  healthCheckIntervalSeconds: "whole seconds (30)",
  healthCheckTimeoutSeconds: "whole seconds (10), at most the interval",
  healthyThresholdCount: "good checks until healthy (5)",
  unhealthyThresholdCount: "bad checks until unhealthy (2)",
  healthCheckPort: "where checks go (the target's port)",
  checkPatience: "the least real time of a check (0)",
  health: '{"check":"assumed","after":3000,"healthy":true}, {"check":"tcp"}, ' +
    '{"check":"http","path":"/"} or {"check":"none"}',
  registering: "how long a registration is in progress (1000)",
  unseen: "how long after registering replies know nothing of it (0)",
  timeScale: "let its time run so much faster (1)",
  listener: "a port, or true for any: forward connections to its targets",
  nodes: "the load balancer's addresses, on loopback",
  sendsAfterDeregistration: "how long a listener sends to deregistered targets (120000)",
  sendsAfterUnhealthy: "how long a listener sends to unhealthy targets (0)",
  idleTimeout: "a listener forgets connections without data for so long (350000)",
  connectionTermination: "cut connections at the end of the delay (false)",
  unhealthyConnectionTermination: "cut those of unhealthy targets (true)",
};

/** The text of `-h`. */
export const USAGE = `Usage: deno task emulator [options]

A stand-in for the Elastic Load Balancing v2 API. Its address is the first line of its output.

${rows(Object.entries(OPTIONS).map(([name, [value, help]]) => [`--${name} ${value}`, help]))}
  -h, --help                              this text

A group is like kafka:9092 or kafka:9092,timeScale=20,listener=true, or JSON with some of these:
${rows(Object.entries(SETTINGS))}

A fault rule is {"action": …, "occurrence": …, "what": …}, e.g.
  --fault '{"action":"RegisterTargets","occurrence":"first","what":"throttle"}'
where action is an action or a list of them (default: any action of the API; the credential
endpoints are ContainerCredentials and InstanceMetadata), and occurrence is "first", "every" (the
default), n, {"from":n} or {"probability":0.2,"seed":1}. With "applied":true or false most carry the
action out, or do not. Times are in milliseconds. what is one of
${rows(Object.entries(FAULTS).map(([name, { help }]) => [name, help]))}
`;

function rows(all: readonly (readonly [name: string, help: string])[]): string {
  return all.map(([name, help]) => `  ${name.padEnd(40)}${help}`).join("\n");
}

/** Reads the command line; where it is bad, says all that is bad in it. */
export function readArguments(args: readonly string[]): Request {
  const given = parseArgs([...args], { string: NAMES, collect: NAMES });
  if (given["h"] === true || given["help"] === true) return { kind: "help" };
  const { _: operands, ...options } = given;
  const errors = Object.keys(options).filter((name) => !NAMES.includes(name))
    .map((name) => `There is no option -${name.length > 1 ? "-" : ""}${name}`);
  const words = Array.isArray(operands) ? operands.map(String) : [];
  // The value of `--option ""` comes as an operand too.
  errors.push(...words.filter((one) => one !== "").map((one) => `"${one}" belongs to no option`));
  const texts = (name: keyof typeof OPTIONS) => {
    const values = given[name];
    const all = Array.isArray(values) ? values.map(String) : [];
    if (all.includes("")) errors.push(`--${name} needs a value: ${OPTIONS[name][0]}`);
    return all.filter((text) => text !== "");
  };
  const attempt = <T>(name: keyof typeof OPTIONS, read: (text: string) => T) => (text: string) => {
    try {
      return [read(text)];
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      errors.push(`--${name}: ${error.message}`);
      return [];
    }
  };
  const port = Number(texts("port").at(-1) ?? "0");
  if (port !== 0 && !isPort(port)) errors.push(`--port ${given["port"]} is not a port`);
  const region = texts("region").at(-1) ?? "eu-west-1";
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
    errors.push(`--region ${region} is not like eu-west-1`);
  }
  const groups = texts("group");
  const read = {
    ...{ port, region },
    groups: (groups.length > 0 ? groups : ["kafka:9092"]).flatMap(attempt("group", groupOf)),
    faults: texts("fault").flatMap(attempt("fault", parseFaultRule)),
  };
  return errors.length === 0 ? { kind: "start", options: read } : { kind: "refused", errors };
}

/** @throws {RangeError} Where there can be no such group; a SyntaxError where it is bad JSON. */
function groupOf(text: string): GroupOptions {
  const given: GroupOptions = text.startsWith("{") ? JSON.parse(text) : settingsOf(text);
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(SETTINGS, key));
  if (unknown.length > 0) throw new RangeError(`a group has no ${unknown.join(", ")}`);
  const health = { check: "assumed", after: 3000, healthy: true } as const;
  return groupSettings({ registering: 1000, health, ...given });
}

/** `NAME[:PORT]`, then `,SETTING=VALUE` for each that is a number or a flag. */
function settingsOf(text: string): GroupOptions {
  const [named = "", ...settings] = text.split(",");
  const [, name = "", port = "80"] = /^(.*?)(?::(\d+))?$/.exec(named) ?? [];
  const values = settings.map((setting) => {
    const [key, value = ""] = setting.split(/=(.*)/s);
    return [key, JSON.parse(value)];
  });
  return { name, port: Number(port), ...Object.fromEntries(values) };
}
