import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Flag, list, optional, text } from "../../../lib/config/flag.ts";
import { flag, FLAG_NAMES } from "../../../lib/config/flags.ts";
import { boolean, port, time } from "../../../lib/config/go_values.ts";
import { describeFlag, usage } from "../../../lib/config/usage.ts";
import { EXIT, EXIT_DESCRIPTIONS } from "../../../lib/host/exit.ts";

const parse = (text: string) => ({ value: text });

/** What Go prints of each type's flags; it shows no default that is the type's zero value. */
const LAYOUT: readonly (readonly [Flag, string])[] = [
  [list(parse, "Help"), "  -x string\n    \tHelp (may be repeated)"],
  [{ ...optional(parse, "Help"), fallback: "POD_IP" }, "  -x string\n    \tHelp (default $POD_IP)"],
  [text("", "Help"), "  -x string\n    \tHelp"],
  [text('a"\n', "Help"), '  -x string\n    \tHelp (default "a\\"\\n")'],
  [time("0s", "Help"), "  -x duration\n    \tHelp"],
  [time("1ns", "Help"), "  -x duration\n    \tHelp (default 1ns)"],
  [boolean(false, "Help"), "  -x\n    \tHelp"],
  [boolean(true, "Help"), "  -x\n    \tHelp (default true)"],
  [port("Help"), "  -x int\n    \tHelp"],
];

Deno.test("describeFlag() shows a flag in the layout of Go's PrintDefaults", () => {
  for (const [row, text] of LAYOUT) assertEquals(describeFlag("x", row), text);
});

Deno.test("usage() has all flags sorted by name, then environment and exit codes", () => {
  const text = usage();
  const flags = FLAG_NAMES.map((name) => describeFlag(name, flag(name))).join("\n");
  assertStringIncludes(text, `Usage of k8s-nlb-registrator-sidecar:\n${flags}\n\nEnvironment var`);
  assertStringIncludes(
    text,
    `
  Every flag but -version can be set as NLB_REGISTRATOR_ and its name in upper case with _ for -, as
  in NLB_REGISTRATOR_LOG_LEVEL=debug. The command line wins. Commas separate the values of a
  flag that may be repeated. An empty value counts as not given.
  HOST_IP is the fallback of -drain-allow.
  POD_UID is the fallback of -pod-uid.
  POD_IP is the fallback of -target-id.

Exit codes:
  0  done: `,
  );
  assertEquals(Object.keys(EXIT_DESCRIPTIONS), Object.keys(EXIT));
  for (const [name, code] of Object.entries(EXIT)) {
    const description = new Map(Object.entries(EXIT_DESCRIPTIONS)).get(name);
    assertStringIncludes(text, `\n  ${code}  ${description}`);
  }
});
