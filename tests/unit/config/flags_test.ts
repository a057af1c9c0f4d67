/** The table of flags, and the value of each flag from the command line and the environment. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readArguments } from "../../../lib/config/arguments.ts";
import {
  environmentName,
  flag,
  FLAG_NAMES,
  FLAGS,
  isFlagName,
  variablesOf,
} from "../../../lib/config/flags.ts";
import { readSettings, type Settings } from "../../../lib/config/settings.ts";
import { configOf, GOOD, type Variables } from "./_reading.ts";

function settingsOf(args: readonly string[], env: Variables = {}): Settings {
  return readSettings(readArguments(args), env, {});
}

const KAFKA = { by: "name", name: "kafka" };
const { values: DEFAULTS } = settingsOf([]);

for (const name of FLAG_NAMES) {
  Deno.test(`-${name} is declared in full, and means the same as its variable`, () => {
    assertMatch(name, /^(?!h$|help$)[a-z]+(-[a-z]+)*$/);
    assertMatch(flag(name).help, /^[A-Z].*[^.]$/);
    const [text, place, value = text] = GOOD[name];
    const needed = flag(name).needs === undefined
      ? []
      : ["-listen=:0", "-drain-token-file=/token", "-state-file=/s", "-pod-uid=1"]
        .filter((one) => !one.startsWith(`-${name}=`));
    const defaults = settingsOf(needed).values;
    const given = settingsOf([...needed, `-${name}=${text}`]);
    assertEquals(given.errors, []);
    assertEquals<unknown>(given.values, { ...defaults, [name]: value });
    assert(given.values[name] !== defaults[name], "the text is the default's");
    assertEquals(given.sources.get(name), `flag -${name}`);
    if (name === "version") return assertEquals(variablesOf(name), []);
    const variable = environmentName(name);
    const set = settingsOf(needed, { [variable]: text });
    assertEquals(set.values, given.values);
    assertEquals(set.sources.get(name), `environment variable ${variable}`);
    const group = name === "target-group-arn" ? [] : ["-target-group-name=kafka"];
    const config: unknown = configOf([...group, ...needed, `-${name}=${text}`], { POD_IP: "::1" });
    const placed = place.split(".").reduce((part, key) => Object(part)[key], config);
    assertEquals(placed, name === "target-group-name" ? [KAFKA, value].flat() : value);
  });
}

Deno.test("the table has the original program's flags with their defaults and texts", () => {
  const hook = (when: string, done: string) => [
    [`${when}register-command`, "", `Command to execute ${done}`],
    [`${when}register-timeout`, "5s", `How long to wait for ${when}register command to execute`],
  ];
  const original = [
    ...hook("pre-", "before target is registered"),
    ...hook("post-", "after target is registered"),
    ...hook("post-de", "after target is deregistered"),
    [
      "target-group-name",
      "",
      "Which target group to use for registering and deregistering targets",
    ],
    ["target-id", "", "Target ID to use"],
    ["wait-in-service", "true", "Whether to wait for target group to become healthy"],
    ["wait-in-service-timeout", "5m0s", "How long to wait for target group to become healthy"],
  ];
  for (const [name = "", ...row] of original) {
    assert(isFlagName(name), name);
    assertEquals([flag(name).default, flag(name).help], row);
  }
});

Deno.test("names and variables are each flag's own, and nothing that objects have", () => {
  assertEquals([...FLAG_NAMES], Object.keys(FLAGS).sort());
  for (const name of ["Log-level", "", "toString", "__proto__", "constructor"]) {
    assertEquals(isFlagName(name), false);
  }
  const variables = FLAG_NAMES.flatMap(variablesOf);
  assertEquals(variables.length, new Set(variables).size);
  assertEquals(variablesOf("target-id"), ["NLB_REGISTRATOR_TARGET_ID", "POD_IP"]);
});

Deno.test("what the API decides has no limit unless one is given", () => {
  for (const name of ["resolve-timeout", "register-timeout", "deregister-timeout"] as const) {
    const read = (...args: string[]) => settingsOf(args).values[name];
    assertEquals([read(), read(`-${name}=0s`), read(`-${name}=1ms`)], [Infinity, Infinity, 1]);
  }
});

Deno.test("a flag wins over its variable, and that over the fallback", () => {
  const env = { NLB_REGISTRATOR_TARGET_ID: "10.0.0.2", POD_IP: "10.0.0.3" };
  const id = (args: readonly string[], env: Variables) => settingsOf(args, env).values["target-id"];
  assertEquals(id(["-target-id=10.0.0.1"], env), ["10.0.0.1"]);
  assertEquals(id([], env), ["10.0.0.2"]);
  assertEquals(id([], { POD_IP: "10.0.0.3" }), ["10.0.0.3"]);
  assertEquals(id([], {}), undefined);
});

Deno.test("an empty text counts as not given", () => {
  const env = {
    NLB_REGISTRATOR_TARGET_ID: "",
    POD_IP: "10.0.0.3",
    NLB_REGISTRATOR_WAIT_IN_SERVICE: "",
    NLB_REGISTRATOR_RESOLVE_TIMEOUT: "",
    NLB_REGISTRATOR_LOG_LEVEL: "warn",
    NLB_REGISTRATOR_TARGET_GROUP_NAME: "",
  };
  const args = ["-target-id=a", "-target-id=", "-log-level=", "-termination-log", ""];
  const { values, errors, sources } = settingsOf(args, env);
  assertEquals(errors, []);
  assertEquals(values, { ...DEFAULTS, "target-id": ["10.0.0.3"], "log-level": "warn" });
  assertEquals([...sources], [
    ["log-level", "environment variable NLB_REGISTRATOR_LOG_LEVEL"],
    ["target-id", "environment variable POD_IP"],
  ]);
});

Deno.test("a variable that Kubernetes sets for a Service is not read", () => {
  const env = { NLB_REGISTRATOR_TARGET_PORT: "tcp://10.96.0.7:80" };
  assertEquals(settingsOf([], env), settingsOf([]));
  assertEquals(settingsOf([], { NLB_REGISTRATOR_TARGET_PORT: "80" }).values["target-port"], 80);
});

Deno.test("what is not used is not checked: HOST_IP may be a name without -listen", () => {
  const env = { HOST_IP: "some-hostname" };
  assertEquals(settingsOf([], env).errors, []);
  assertEquals(settingsOf(["-listen=:80"], env).errors.length, 1);
});

Deno.test("the last of a repeated flag wins, and a list keeps all; commas split a variable's", () => {
  const names = (args: readonly string[], env: Variables = {}) =>
    settingsOf(args, env).values["target-group-name"].map(({ name }) => name);
  const twice = ["-region=a", "-region=b", "-wait-in-service=false", "-wait-in-service"];
  const { values } = settingsOf(twice);
  assertEquals([values.region, values["wait-in-service"]], ["b", true]);
  const list = ["-target-group-name=x", "-target-group-name=", "-target-group-name=y"];
  const env = { NLB_REGISTRATOR_TARGET_GROUP_NAME: " v, w,,\n" };
  assertEquals(names(list, env), ["x", "y"]);
  assertEquals(names([], env), ["v", "w"]);
  assertEquals(names(["-target-group-name="], env), ["v", "w"]);
});

Deno.test("ports are read as Go reads integers, and 0 stands for none", () => {
  const read = (text: string) => flag("target-port").read([text], {});
  const good = "80 +80 +0x50 +0120 0120 0o120 0b1010000 0X50 8_0 0x_5_0".split(" ");
  for (const text of good) assertEquals(read(text), { value: 80, errors: [] }, text);
  for (const text of ["0", "-0", "00"]) assertEquals(read(text), { value: undefined, errors: [] });
  for (const text of ["_80", "80_", "8__0", "0x", "08", "1e3", "80.0", " 80", ""]) {
    assertEquals(read(text).errors.length, 1, text);
  }
});

Deno.test("booleans are Go's twelve words", () => {
  const words = { true: "1 t T true TRUE True", false: "0 f F false FALSE False" };
  for (const value of [true, false]) {
    for (const word of words[`${value}`].split(" ")) {
      assertEquals(flag("check").read([word], {}), { value, errors: [] });
    }
  }
});

const tcp = (url: string, hostname: string, port: number) => ({ kind: "tcp", url, hostname, port });

/** Flag, text, value. */
const SPELLINGS: readonly (readonly [keyof typeof FLAGS, string, unknown])[] = [
  ["wait-for", "tcp://localhost:9092", [tcp("tcp://localhost:9092", "localhost", 9092)]],
  ["wait-for", "TCP://localhost:1/", [tcp("tcp://localhost:1", "localhost", 1)]],
  ["wait-for", "tcp://127.0.0.1:80", [tcp("tcp://127.0.0.1:80", "127.0.0.1", 80)]],
  ["wait-for", "tcp://[::1]:65535", [tcp("tcp://[::1]:65535", "::1", 65_535)]],
  ["wait-for", "http://localhost", [{ kind: "http", url: "http://localhost/" }]],
  ["wait-for", "http://localhost:80/x?y=1#z", [{ kind: "http", url: "http://localhost/x?y=1" }]],
  ["quic-server-id", "derive", { by: "derive" }],
  ["quic-server-id", "0x0123456789abcdef", { by: "value", value: "0x0123456789abcdef" }],
  ["listen", ":0", { hostname: "::", port: 0 }],
  ["listen", "127.0.0.1:8080", { hostname: "127.0.0.1", port: 8080 }],
  ["endpoint-url", "http://10.0.0.1:4566/x", "http://10.0.0.1:4566/x"],
  ["target-id", "255.255.255.255", ["255.255.255.255"]],
  ["target-id", "2001:DB8:0:0:0:0:0:1", ["2001:db8::1"]],
  ["target-id", "::", ["::"]],
  ["target-id", "64:ff9b::192.0.2.1", ["64:ff9b::c000:201"]],
  ["target-id", "i-0123456789abcdef0", ["i-0123456789abcdef0"]],
  ["target-id", "i-1234abcd", ["i-1234abcd"]],
  ...["echo a=b\necho --c=d\n", "--", "-x", "no-x.y", "__proto__", " "].map((text) =>
    ["pre-register-command", text, text] as const
  ),
];

for (const [name, text, value] of SPELLINGS) {
  Deno.test(`-${name} takes ${JSON.stringify(text)}, attached or as the next argument`, () => {
    for (const args of [[`-${name}=${text}`], [`--${name}`, text]]) {
      const { values, errors } = settingsOf(args);
      assertEquals(errors, []);
      assertEquals<unknown>(values[name], value);
    }
  });
}
