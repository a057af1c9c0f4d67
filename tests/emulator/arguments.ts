/** The emulator's own command line. */
import { parseArgs } from "@std/cli/parse-args";
import type { EmulatorOptions } from "./emulator.ts";
import { type Description, FAULTS, parseFaultRule } from "./faults.ts";
import { type GroupOptions, groupSettings, isPort } from "./settings.ts";

const OPTIONS = ["port", "region", "group", "fault"];

/** What a group may have; times are in milliseconds. */
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
  listener: "true: forward connections to its targets",
  sendsAfterDeregistration: "how long a listener sends to deregistered targets (120000)",
  unhealthyConnectionTermination: "cut connections of unhealthy targets (true)",
};

/** The text of `-h`. */
export const USAGE = `Usage: deno task emulator [options]

A stand-in for the Elastic Load Balancing v2 API. Its address is the first line of its output.

  --port PORT                             port to listen on; 0, the default, for any free one
  --region NAME                           region of the target groups (default eu-west-1)
  --group NAME[:PORT][,SETTING=VALUE]…    a target group; may be repeated (default kafka:9092)
  --fault JSON                            a fault rule; may be repeated
  -h, --help                              this text

A group is like kafka:9092 or kafka:9092,timeScale=20,listener=true, or JSON with some of these:
${rows(Object.entries(SETTINGS))}

A fault rule is {"action": …, "occurrence": …, "what": …}, e.g.
  --fault '{"action":"RegisterTargets","occurrence":"first","what":"throttle"}'
where action is an action or a list of them (default: any action of the API; the credential
endpoints are ContainerCredentials and InstanceMetadata), and occurrence is "first", "every" (the
default), n, {"from":n} or {"probability":0.2,"seed":1}. With "applied":true or false most carry the
action out, or do not. Times are in milliseconds. what is one of these, with the parameters in
brackets, of which those with ! are needed:
${rows(Object.entries(FAULTS).map(([name, fault]) => [name, describe(fault)]))}
`;

function describe({ help, takes, codes = [] }: Description): string {
  const parameters = takes.length === 0 ? "" : ` [${takes.join(", ")}]`;
  return [`${help}${parameters}`, ...codes.map((code) => `${" ".repeat(44)}"code":"${code}"`)]
    .join("\n");
}

function rows(all: readonly (readonly [name: string, help: string])[]): string {
  return all.map(([name, help]) => `  ${name.padEnd(40)}${help}`).join("\n");
}

/**
 * Reads the command line; `help` where that is what it wants.
 * @throws {RangeError} Where it is bad; a SyntaxError where some JSON of it is.
 */
export function readArguments(args: readonly string[]): EmulatorOptions | "help" {
  const given = parseArgs([...args], { string: OPTIONS, collect: OPTIONS });
  if (given["h"] === true || given["help"] === true) return "help";
  const [operand] = textsOf(given._);
  const [groups, faults] = [textsOf(given["group"]), textsOf(given["fault"])];
  const [port = "0"] = textsOf(given["port"]);
  const [region = "eu-west-1"] = textsOf(given["region"]);
  const unknown = Object.keys(given).find((name) => !["_", ...OPTIONS].includes(name));
  if (unknown !== undefined) throw new RangeError(`There is no option ${unknown}`);
  if (operand !== undefined) throw new RangeError(`"${operand}" belongs to no option`);
  if (port !== "0" && !isPort(Number(port))) throw new RangeError(`--port ${port} is not a port`);
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
    throw new RangeError(`--region ${region} is not like eu-west-1`);
  }
  return {
    ...{ port: Number(port), region, faults: faults.map(parseFaultRule) },
    groups: (groups.length > 0 ? groups : ["kafka:9092"]).map(groupOf),
  };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

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
