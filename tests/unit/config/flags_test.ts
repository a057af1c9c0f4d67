import { assert, assertEquals, assertMatch } from "@std/assert";
import { FLAG_GROUPS } from "../../../lib/config/flag.ts";
import { environmentName, flag, FLAG_NAMES, FLAGS, isFlagName } from "../../../lib/config/flags.ts";
import { variablesOf } from "../../../lib/config/settings.ts";
import { formatDuration, parseDuration } from "../../../lib/host/duration.ts";

for (const name of FLAG_NAMES) {
  Deno.test(`FLAGS declares -${name} in full`, () => {
    const one = flag(name);
    // parseArgs takes a dot for a path, and `no-` for a negation.
    assertMatch(name, /^(?!no-|h$|help$)[a-z]+(-[a-z]+)*$/);
    assertMatch(one.help, /^[A-Z].*[^.]$/);
    assert(FLAG_GROUPS.includes(one.group));
    if (one.kind === "duration") {
      assertEquals(formatDuration(parseDuration(one.default)), one.default);
    }
    if (one.kind === "choice") assert(one.choices.includes(one.default));
  });
}

Deno.test("FLAGS has the original program's flags with their defaults and texts", () => {
  const original = {
    "post-deregister-command": [undefined, "Command to execute after target is deregistered"],
    "post-deregister-timeout": [
      "5s",
      "How long to wait for post-deregister command to execute",
    ],
    "post-register-command": [undefined, "Command to execute after target is registered"],
    "post-register-timeout": ["5s", "How long to wait for post-register command to execute"],
    "pre-register-command": [undefined, "Command to execute before target is registered"],
    "pre-register-timeout": ["5s", "How long to wait for pre-register command to execute"],
    "target-group-name": [
      undefined,
      "Which target group to use for registering and deregistering targets",
    ],
    "target-id": [undefined, "Target ID to use"],
    "wait-in-service": [true, "Whether to wait for target group to become healthy"],
    "wait-in-service-timeout": [
      "5m0s",
      "How long to wait for target group to become healthy",
    ],
  };
  for (const [name, [value, help]] of Object.entries(original)) {
    assert(isFlagName(name), name);
    const one = flag(name);
    assertEquals(["default" in one ? one.default : undefined, one.help], [value, help]);
  }
});

Deno.test("FLAG_NAMES are all names of the table, sorted", () => {
  assertEquals([...FLAG_NAMES], Object.keys(FLAGS).sort());
});

Deno.test("isFlagName() knows the table's names only, and nothing that objects have", () => {
  assertEquals(isFlagName("log-level"), true);
  for (const name of ["Log-level", "", "toString", "__proto__", "constructor"]) {
    assertEquals(isFlagName(name), false);
  }
});

Deno.test("environmentName() makes a variable's name of a flag's", () => {
  assertEquals(environmentName("target-group-name"), "NLB_REGISTRATOR_TARGET_GROUP_NAME");
});

Deno.test("variablesOf() has no variable twice: each means one flag", () => {
  const all = FLAG_NAMES.flatMap(variablesOf);
  assertEquals(all.length, new Set(all).size);
  assertEquals(variablesOf("version"), []);
  assertEquals(variablesOf("target-id"), ["NLB_REGISTRATOR_TARGET_ID", "POD_IP"]);
});
