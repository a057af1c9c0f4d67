import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Flag, textOr } from "../../../lib/config/flag.ts";
import { flag, FLAG_NAMES } from "../../../lib/config/flags.ts";
import { boolean, port, time } from "../../../lib/config/go_values.ts";
import { describeFlag, usage } from "../../../lib/config/usage.ts";
import { EXIT, EXIT_DESCRIPTIONS } from "../../../lib/host/exit.ts";

/** What Go prints for a string, a list, a duration, booleans, a choice and an integer. */
const LAYOUT = [
  "  -endpoint-url string",
  "    \tURL of the Elastic Load Balancing API, if it is not the region's own",
  "  -log-format string",
  '    \tFormat of log lines: text or json (default "text")',
  "  -require-in-service",
  "    \tWhether to deregister and exit if target group does not become healthy in time",
  "  -target-group-name string",
  "    \tWhich target group to use for registering and deregistering targets (may be repeated)",
  "  -target-id string",
  "    \tTarget ID to use (default $POD_IP)",
  "  -target-port int",
  "    \tPort to register, if it is not the target group's own",
  "  -wait-in-service",
  "    \tWhether to wait for target group to become healthy (default true)",
  "  -wait-in-service-timeout duration",
  "    \tHow long to wait for target group to become healthy (default 5m0s)",
];

Deno.test("usage() shows flags in the layout of Go's PrintDefaults", () => {
  const lines = usage().split("\n");
  for (let at = 0; at < LAYOUT.length; at += 2) {
    const [head = "", text] = LAYOUT.slice(at, at + 2);
    assertEquals(lines[lines.indexOf(head) + 1], text);
    assert(lines.includes(head), head);
  }
});

Deno.test("describeFlag() shows no default that is its type's zero value", () => {
  const tail = (one: Flag) => describeFlag("x", one).split("\n    \tHelp")[1];
  assertEquals(tail(time("0s", "Help")), "");
  assertEquals(tail(time("1ns", "Help")), " (default 1ns)");
  assertEquals(tail(boolean(false, "Help")), "");
  assertEquals(tail(port("Help")), "");
  assertEquals(tail(textOr("", "Help")), "");
  assertEquals(tail(textOr('a"\n', "Help")), ' (default "a\\"\\n")');
});

Deno.test("usage() begins as Go's does, and has every flag once, sorted by name", () => {
  const lines = usage().split("\n");
  assertEquals(lines[0], "Usage of k8s-nlb-registrator-sidecar:");
  const names = lines.flatMap((line) => /^ {2}-([a-z-]+)/.exec(line)?.[1] ?? []);
  assertEquals(names, [...FLAG_NAMES]);
  for (const name of FLAG_NAMES) assertStringIncludes(usage(), `    \t${flag(name).help}`);
});

Deno.test("usage() explains the environment after the flags", () => {
  assertStringIncludes(
    usage(),
    `; 0s: never

Environment variables:
  Every flag but -version can be set as NLB_REGISTRATOR_ and its name in upper case with _ for -, as
  in NLB_REGISTRATOR_LOG_LEVEL=debug. The command line wins. Commas separate the values of a
  flag that may be repeated. An empty value counts as not given.
  HOST_IP is the fallback of -drain-allow.
  POD_IP is the fallback of -target-id.

Exit codes:
`,
  );
});

Deno.test("usage() ends with the exit codes", () => {
  const codes = Object.values(EXIT).map((code) => code.toString());
  assertEquals(codes, ["0", "1", "2", "3", "4", "5", "6", "7"]);
  assertEquals(Object.keys(EXIT_DESCRIPTIONS), Object.keys(EXIT));
  const tail = usage().split("\n").slice(-codes.length);
  assertEquals(tail[0], "  0  done: nothing is left registered");
  assertEquals(tail.at(-1), "  7  application never ready: nothing was registered");
  assertEquals(tail.map((line) => line.trim().split(" ")[0]), codes);
});
