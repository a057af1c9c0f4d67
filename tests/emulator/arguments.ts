/** The emulator's own command line. */
import { parseArgs } from "@std/cli/parse-args";
import type { EmulatorOptions } from "./emulator.ts";
import { type FaultRule, FAULTS, parseFaultRule } from "./faults.ts";
import { type GroupOptions, groupSettings, isPort } from "./settings.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "start"; readonly options: EmulatorOptions }
  | { readonly kind: "refused"; readonly errors: readonly string[] };

/** An option: what it takes and is for, and where its value, if it is a plain one, belongs. */
interface Option {
  readonly value: string;
  readonly help: string;
  readonly setting?: keyof GroupOptions;
}

const OPTIONS = {
  "port": { value: "PORT", help: "port to listen on; 0, the default, for any free one" },
  "region": { value: "NAME", help: "region of the target groups (default eu-west-1)" },
  "group": { value: "NAME[:PORT]", help: "a target group; may be repeated (default kafka:9092)" },
  "listener": {
    value: "[GROUP:]PORT",
    help: "forward connections to the group's targets; may be repeated; 0 for any free port",
  },
  "fault": { value: "JSON", help: "a fault rule; may be repeated, see below" },
  "check": {
    value: "KIND",
    help: "health of targets: assumed (default), tcp, http (GET /), or none",
  },
  "healthy-after": { value: "TIME", help: "when health is assumed (default 3s)" },
  "registering": {
    ...{ value: "TIME", setting: "registering" },
    help: "how long a registration is in progress (default 1s)",
  },
  "unseen": {
    ...{ value: "TIME", setting: "unseen" },
    help: "how long after registering replies know nothing of it (default 0s)",
  },
  "quota": {
    ...{ value: "COUNT", setting: "quota" },
    help: "how many targets a group can have (default 500)",
  },
  "health-check-interval": {
    ...{ value: "COUNT", setting: "healthCheckIntervalSeconds" },
    help: "whole seconds (default 30)",
  },
  "healthy-threshold": {
    ...{ value: "COUNT", setting: "healthyThresholdCount" },
    help: "good checks until healthy (default 5)",
  },
  "deregistration-delay": {
    ...{ value: "COUNT", setting: "deregistrationDelaySeconds" },
    help: "whole seconds (default 300)",
  },
  "sends-after-deregistration": {
    ...{ value: "TIME", setting: "sendsAfterDeregistration" },
    help: "how long a listener sends to deregistered targets (default 2m)",
  },
  "sends-after-unhealthy": {
    ...{ value: "TIME", setting: "sendsAfterUnhealthy" },
    help: "how long a listener sends to unhealthy targets (default 0s)",
  },
  "idle-timeout": {
    ...{ value: "TIME", setting: "idleTimeout" },
    help: "a listener forgets connections without data for so long (default 350s)",
  },
  "time-scale": {
    ...{ value: "FACTOR", setting: "timeScale" },
    help: "let time in the groups run so much faster (default 1)",
  },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;
const NAMES = Object.keys(OPTIONS);

/** The text of `-h`. */
export const USAGE = `Usage: deno task emulator [options]

A stand-in for the Elastic Load Balancing v2 API. Its address is the first line of its output.

${
  Object.entries(OPTIONS).map(([name, { value, help }]) => row(`--${name} ${value}`, help)).join("")
}${row("-h, --help", "this text")}
TIME is like 500ms, 3s, 1.5m. A fault rule is {"action": …, "occurrence": …, "what": …}, e.g.
  --fault '{"action":"RegisterTargets","occurrence":"first","what":"throttle"}'
where action is an action or a list of them (default: any action of the API; the credential
endpoints are ContainerCredentials and InstanceMetadata), and occurrence is "first", "every" (the
default), n, {"from":n} or {"probability":0.2,"seed":1}. With "applied":true or false most carry the
action out, or do not. Times are in milliseconds. what is one of
${Object.entries(FAULTS).map(([name, { help }]) => row(name, help, 24)).join("")}`;

function row(name: string, help: string, width = 36): string {
  return `  ${name.padEnd(width)}${help}\n`;
}

/** Reads the command line; where it is bad, says all that is bad in it. */
export function readArguments(args: readonly string[]): Request {
  const given = parseArgs([...args], { string: NAMES, collect: NAMES });
  if (given["h"] === true || given["help"] === true) return { kind: "help" };
  const reader = new Reader(given);
  const options = reader.options();
  return reader.errors.length === 0
    ? { kind: "start", options }
    : { kind: "refused", errors: reader.errors };
}

/** Reads the values of the options, and gathers what is wrong with them. */
class Reader {
  readonly errors: string[] = [];
  readonly #given: { [name: string]: unknown };

  constructor(given: { [name: string]: unknown }) {
    this.#given = given;
    const { _: operands, ...options } = given;
    for (const name of Object.keys(options).filter((name) => !NAMES.includes(name))) {
      this.errors.push(`There is no option -${name.length > 1 ? "-" : ""}${name}`);
    }
    // The value of `--option ""` comes as an operand too.
    const words = Array.isArray(operands) ? operands.map(String) : [];
    for (const word of words.filter((one) => one !== "")) {
      this.errors.push(`"${word}" belongs to no option`);
    }
  }

  options(): EmulatorOptions {
    const text = this.#texts("port").at(-1) ?? "0";
    const port = Number(text);
    if (port !== 0 && !isPort(port)) this.errors.push(`--port ${text} is not a port`);
    const region = this.#texts("region").at(-1) ?? "eu-west-1";
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
      this.errors.push(`--region ${region} is not like eu-west-1`);
    }
    return { port, region, groups: this.#groups(), faults: this.#faults() };
  }

  #groups(): GroupOptions[] {
    const settings: Partial<GroupOptions> = {
      ...{ registering: 1000, health: this.#health() },
      ...Object.fromEntries(
        Object.entries<Option>(OPTIONS).flatMap(([name, { setting }]) => {
          const value = setting === undefined ? undefined : this.#number(name as OptionName);
          return value === undefined ? [] : [[setting, value]];
        }),
      ),
    };
    const texts = this.#texts("group");
    const named = (texts.length === 0 ? ["kafka:9092"] : texts).map((text) => {
      const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
      return { name, ...(port === undefined ? {} : { port: Number(port) }) };
    });
    const listeners = this.#listeners(named.map(({ name }) => name));
    return named.flatMap((given) => {
      const listener = listeners.get(given.name) ?? false;
      const group = { ...settings, ...given, listener };
      return this.#attempt("--group", () => groupSettings(group)) ?? [];
    });
  }

  /** The listener of each group that has one; one that names none is the first group's. */
  #listeners(groups: readonly string[]): Map<string, number | true> {
    const read = this.#texts("listener").flatMap((text): [string, number | true][] => {
      const [, group = groups[0] ?? "", port] = /^(?:(.*):)?(\d+)$/.exec(text) ?? [];
      if (port === undefined) this.errors.push(`--listener ${text} is not like 8080 or kafka:8080`);
      else if (!groups.includes(group)) this.errors.push(`--listener ${text} is of no --group`);
      else return [[group, Number(port) || true]];
      return [];
    });
    return new Map(read);
  }

  #health(): NonNullable<GroupOptions["health"]> {
    const after = this.#number("healthy-after") ?? 3000;
    const check = this.#texts("check").at(-1) ?? "assumed";
    if (check === "tcp" || check === "none") return { check };
    if (check === "http") return { check, path: "/" };
    if (check !== "assumed") {
      this.errors.push(`--check ${check} is none of assumed, tcp, http, none`);
    }
    return { check: "assumed", after, healthy: true };
  }

  #faults(): FaultRule[] {
    return this.#texts("fault").flatMap((text) =>
      this.#attempt("--fault", () => parseFaultRule(text)) ?? []
    );
  }

  #texts(name: OptionName): string[] {
    const value = this.#given[name];
    const texts = Array.isArray(value) ? value.map(String) : [];
    if (texts.includes("")) this.errors.push(`--${name} needs a value: ${OPTIONS[name].value}`);
    return texts.filter((text) => text !== "");
  }

  /** The value of an option that takes a number or a time, which is given in milliseconds. */
  #number(name: OptionName): number | undefined {
    const text = this.#texts(name).at(-1);
    if (text === undefined) return undefined;
    const [isTime, words] = OPTIONS[name].value === "TIME"
      ? [/^(\d+(?:\.\d+)?)(ms|s|m)$/, "a time like 500ms or 3s"]
      : [/^(\d+(?:\.\d+)?)()$/, "a number"];
    const [, value, unit] = isTime.exec(text) ?? [];
    if (value === undefined) this.errors.push(`--${name} ${text} is not ${words}`);
    return Number(value ?? 1) * (unit === "m" ? 60_000 : unit === "s" ? 1000 : 1);
  }

  #attempt<T>(option: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.errors.push(`${option}: ${error.message}`);
      return undefined;
    }
  }
}
