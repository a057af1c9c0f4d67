/** The emulator's own command line. */
import { parseArgs } from "@std/cli/parse-args";
import type { EmulatorOptions } from "./emulator.ts";
import { FAULT_NAMES, parseFaultRule } from "./fault_rules.ts";
import type { FaultRule } from "./faults.ts";
import { groupSettings, isPort } from "./settings.ts";
import type { GroupOptions, HealthSource } from "./settings.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "start"; readonly options: EmulatorOptions }
  | { readonly kind: "refused"; readonly faults: readonly string[] };

/** An option: what it takes, what it is for. */
interface Option {
  readonly value: string;
  readonly help: string;
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
  "quota": { value: "COUNT", help: "how many targets a group can have (default 500)" },
  "healthy-after": { value: "TIME", help: "when health is assumed (default 3s)" },
  "registering": { value: "TIME", help: "how long a registration is in progress (default 1s)" },
  "unseen": {
    value: "TIME",
    help: "how long after registering replies know nothing of it (default 0s)",
  },
  "health-check-interval": { value: "SECONDS", help: "whole seconds (default 30)" },
  "healthy-threshold": { value: "COUNT", help: "good checks until healthy (default 5)" },
  "deregistration-delay": { value: "SECONDS", help: "whole seconds (default 300)" },
  "sends-after-deregistration": {
    value: "TIME",
    help: "how long a listener sends to deregistered targets (default 2m)",
  },
  "time-scale": { value: "FACTOR", help: "let time in the groups run so much faster (default 1)" },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

/** The text of `-h`. */
export const USAGE = `Usage: deno task emulator [options]

A stand-in for the Elastic Load Balancing v2 API. Its address is the first line of its output.

${
  Object.entries(OPTIONS)
    .map(([name, { value, help }]) => `  ${`--${name} ${value}`.padEnd(34)}${help}`)
    .join("\n")
}
  ${"-h, --help".padEnd(34)}this text

TIME is like 500ms, 3s, 1.5m. A fault rule is {"action": …, "occurrence": …, "what": …}, e.g.
  --fault '{"action":"RegisterTargets","occurrence":"first","what":"throttle"}'
where action is an action or a list of them (default: any action of the API; the credential
endpoints are ContainerCredentials and InstanceMetadata), and occurrence is "first", "every" (the
default), n, {"from":n} or {"probability":0.2,"seed":1}; what is one of
  ${wrapped(FAULT_NAMES)}
Most take "applied": whether the action is carried out all the same. Of the others:
  redirect           307 to the URL in "to"; "status" for another one than 307
  endless-reply      200, and blanks without end; "bytes" for an end (default 1 GiB)
  gzip-bomb          200, in gzip, unpacks to so many "bytes" of blanks (default 256 MiB)
  many-roots         200, "bytes" of one root element after another (default 1 MB)
  giant-code         400, with an error code of so many "bytes" (default 5 MB)
  silent-connection  answers neither this call nor a later one on its connection; new ones work
  revoke-key         refuses the key of this call from now on with "code" (InvalidClientTokenId);
                     with the occurrence "first", keys fetched anew are good
  too-many-targets   TooManyTargets, as at the quota (--quota sets a real one)
`;

function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 90) lines.push(word);
    else lines[lines.length - 1] = `${last}, ${word}`;
  }
  return lines.join(",\n  ");
}

/** Reads the command line; where it is bad, says all that is bad in it. */
export function readArguments(args: readonly string[]): Request {
  const names = Object.keys(OPTIONS);
  const given = parseArgs([...args], { string: names, collect: names });
  if (given["h"] === true || given["help"] === true) return { kind: "help" };
  const reader = new Reader(given);
  const options = reader.options();
  return reader.faults.length === 0
    ? { kind: "start", options }
    : { kind: "refused", faults: reader.faults };
}

/** Reads the values of the options, and gathers what is wrong with them. */
class Reader {
  readonly faults: string[] = [];
  readonly #given: { [name: string]: unknown };

  constructor(given: { [name: string]: unknown }) {
    this.#given = given;
    for (const [name, value] of Object.entries(given)) {
      if (name === "_") {
        if (Array.isArray(value)) value.map(String).forEach((text) => this.#refuseOperand(text));
      } else if (!Object.hasOwn(OPTIONS, name)) {
        this.faults.push(`There is no option -${name.length > 1 ? "-" : ""}${name}`);
      }
    }
  }

  options(): EmulatorOptions {
    const port = this.#number("port", (value) => value === 0 || isPort(value), "a port") ?? 0;
    const region = this.#texts("region").at(-1) ?? "eu-west-1";
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
      this.faults.push(`--region ${region} is not like eu-west-1`);
    }
    return { port, region, groups: this.#groups(), faults: this.#faultRules() };
  }

  #groups(): GroupOptions[] {
    const common = this.#common();
    const texts = this.#texts("group");
    const named = (texts.length === 0 ? ["kafka:9092"] : texts).map((text) => {
      const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
      return { name, ...(port === undefined ? {} : { port: Number(port) }) };
    });
    const listeners = this.#listeners(named.map(({ name }) => name));
    return named.flatMap((given) => {
      const listener = listeners.get(given.name) ?? false;
      const group = { ...common, ...given, listener };
      return this.#attempt("--group", () => groupSettings(group)) ?? [];
    });
  }

  /** The listener of each group that has one; one that names none is the first group's. */
  #listeners(groups: readonly string[]): Map<string, number | true> {
    const read = this.#texts("listener").flatMap((text): [string, number | true][] => {
      const [, group = groups[0] ?? "", port] = /^(?:(.*):)?(\d+)$/.exec(text) ?? [];
      if (port === undefined) this.faults.push(`--listener ${text} is not like 8080 or kafka:8080`);
      else if (!groups.includes(group)) this.faults.push(`--listener ${text} is of no --group`);
      else return [[group, Number(port) || true]];
      return [];
    });
    return new Map(read);
  }

  #common(): Partial<GroupOptions> {
    const interval = this.#number("health-check-interval", isCount, "a whole number from 1");
    const threshold = this.#number("healthy-threshold", isCount, "a whole number from 1");
    const delay = this.#number("deregistration-delay", isWhole, "a whole number");
    const quota = this.#number("quota", isCount, "a whole number from 1");
    const sends = this.#time("sends-after-deregistration");
    const timeScale = this.#number("time-scale", (value) => value > 0, "a number above 0");
    return {
      health: this.#health(),
      registering: this.#time("registering") ?? 1000,
      unseen: this.#time("unseen") ?? 0,
      ...(interval === undefined ? {} : { healthCheckIntervalSeconds: interval }),
      ...(threshold === undefined ? {} : { healthyThresholdCount: threshold }),
      ...(delay === undefined ? {} : { deregistrationDelaySeconds: delay }),
      ...(quota === undefined ? {} : { quota }),
      ...(sends === undefined ? {} : { sendsAfterDeregistration: sends }),
      ...(timeScale === undefined ? {} : { timeScale }),
    };
  }

  #health(): HealthSource {
    const after = this.#time("healthy-after") ?? 3000;
    const check = this.#texts("check").at(-1) ?? "assumed";
    switch (check) {
      case "tcp":
      case "none":
        return { check };
      case "http":
        return { check, path: "/" };
      default:
        if (check !== "assumed") {
          this.faults.push(`--check ${check} is none of assumed, tcp, http, none`);
        }
        return { check: "assumed", after, healthy: true };
    }
  }

  #faultRules(): FaultRule[] {
    return this.#texts("fault").flatMap((text) =>
      this.#attempt("--fault", () => parseFaultRule(text)) ?? []
    );
  }

  #texts(name: OptionName): string[] {
    const value = this.#given[name];
    const texts = Array.isArray(value) ? value.map(String) : [];
    if (texts.includes("")) this.faults.push(`--${name} needs a value: ${OPTIONS[name].value}`);
    return texts.filter((text) => text !== "");
  }

  #number(
    name: OptionName,
    fits: (value: number) => boolean,
    words: string,
  ): number | undefined {
    const text = this.#texts(name).at(-1);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (fits(value)) return value;
    this.faults.push(`--${name} ${text} is not ${words}`);
    return undefined;
  }

  #time(name: OptionName): number | undefined {
    const text = this.#texts(name).at(-1);
    if (text === undefined) return undefined;
    const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
    if (value === undefined) {
      this.faults.push(`--${name} ${text} is not a time like 500ms or 3s`);
      return undefined;
    }
    return Number(value) * (unit === "m" ? 60_000 : unit === "s" ? 1000 : 1);
  }

  #attempt<T>(option: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.faults.push(`${option}: ${error.message}`);
      return undefined;
    }
  }

  #refuseOperand(operand: string): void {
    // The value of `--option ""` comes as an operand too.
    if (operand !== "") this.faults.push(`"${operand}" belongs to no option`);
  }
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
