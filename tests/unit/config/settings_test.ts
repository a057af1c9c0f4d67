import { assertEquals } from "@std/assert";
import { readArguments } from "../../../lib/config/arguments.ts";
import { environmentName, flag, FLAG_NAMES } from "../../../lib/config/flags.ts";
import { type Environment, readSettings, type Settings } from "../../../lib/config/settings.ts";

function settingsOf(args: readonly string[], env: Environment): Settings {
  return readSettings(readArguments(args), env);
}

const { values: DEFAULTS } = settingsOf([], {});

/** A good value for each kind that is nobody's default. */
const OTHER = { string: "x", choice: "json", boolean: "", duration: "7s", port: "7" } as const;

function otherValue(name: typeof FLAG_NAMES[number]): string {
  const one = flag(name);
  if (one.kind === "boolean") return String(!one.default);
  if (one.kind !== "choice") return OTHER[one.kind];
  return one.choices.find((choice) => choice !== one.default) ?? "";
}

for (const name of FLAG_NAMES.filter((name) => name !== "version")) {
  Deno.test(`readSettings() takes the value of -${name} from ${environmentName(name)}`, () => {
    const value = otherValue(name);
    const fromFlag = settingsOf([`-${name}=${value}`], {});
    const fromEnv = settingsOf([], { [environmentName(name)]: value });
    assertEquals(fromEnv.faults, []);
    assertEquals(fromEnv.values, fromFlag.values);
    assertEquals(fromEnv.values[name] === DEFAULTS[name], false);
    assertEquals(fromEnv.sources.get(name), `environment variable ${environmentName(name)}`);
    assertEquals(fromFlag.sources.get(name), `flag -${name}`);
  });
}

Deno.test("readSettings() does not take a VERSION variable for -version", () => {
  const { values, faults } = settingsOf([], { NLB_REGISTRATOR_VERSION: "1.2.3" });
  assertEquals(values.version, false);
  assertEquals(faults, []);
});

Deno.test("readSettings() prefers the flag to its variable, and that to the fallback", () => {
  const env = { NLB_REGISTRATOR_TARGET_ID: "b", POD_IP: "c" };
  const idOf = (args: string[], env: Record<string, string>) =>
    settingsOf(args, env).values["target-id"];
  assertEquals(idOf(["-target-id=a"], env), "a");
  assertEquals(idOf([], env), "b");
  assertEquals(idOf([], { POD_IP: "c" }), "c");
  assertEquals(idOf([], {}), undefined);
});

Deno.test("readSettings() takes an empty text for not given", () => {
  const env = {
    NLB_REGISTRATOR_TARGET_ID: "",
    POD_IP: "c",
    NLB_REGISTRATOR_WAIT_IN_SERVICE: "",
    NLB_REGISTRATOR_RESOLVE_TIMEOUT: "",
    NLB_REGISTRATOR_LOG_LEVEL: "warn",
    NLB_REGISTRATOR_TARGET_GROUP_NAME: "",
  };
  const args = ["-target-id=a", "-target-id=", "-log-level=", "-termination-log", ""];
  const { values, faults, sources } = settingsOf(args, env);
  assertEquals(faults, []);
  assertEquals(values, { ...DEFAULTS, "target-id": "c", "log-level": "warn" });
  assertEquals([...sources], [
    ["log-level", "environment variable NLB_REGISTRATOR_LOG_LEVEL"],
    ["target-id", "environment variable POD_IP"],
  ]);
});

Deno.test("readSettings() lets the last of a repeated flag win, and collects a list", () => {
  const { values } = settingsOf([
    "-region=a",
    "-region=b",
    "-wait-in-service=false",
    "-wait-in-service",
    "-target-group-name=x",
    "-target-group-name=",
    "-target-group-name=y,z",
  ], {});
  assertEquals(values.region, "b");
  assertEquals(values["wait-in-service"], true);
  assertEquals(values["target-group-name"], ["x", "y,z"]);
});

Deno.test("readSettings() splits a list in the environment by commas", () => {
  const env = { NLB_REGISTRATOR_TARGET_GROUP_NAME: " x, y,,\n" };
  assertEquals(settingsOf([], env).values["target-group-name"], ["x", "y"]);
  assertEquals(settingsOf(["-target-group-name=z"], env).values["target-group-name"], ["z"]);
  assertEquals(settingsOf(["-target-group-name="], env).values["target-group-name"], ["x", "y"]);
});

Deno.test("readSettings() names the variable that a bad value came from", () => {
  const { faults, values } = settingsOf([], {
    NLB_REGISTRATOR_WAIT_IN_SERVICE: "yes",
    NLB_REGISTRATOR_LOG_FORMAT: "xml",
  });
  assertEquals(faults, [
    'invalid value "xml" for environment variable NLB_REGISTRATOR_LOG_FORMAT: ' +
    "it must be one of text, json",
    'invalid boolean value "yes" for environment variable NLB_REGISTRATOR_WAIT_IN_SERVICE: ' +
    "parse error: a boolean is true or false",
  ]);
  assertEquals(values, DEFAULTS);
});

Deno.test("readSettings() does not look at a variable whose flag is given", () => {
  const env = { NLB_REGISTRATOR_LOG_FORMAT: "xml" };
  assertEquals(settingsOf(["-log-format=json"], env).faults, []);
});
