/** Commands on a system with a shell, and on one without. */
import { assert, assertEquals } from "@std/assert";
import { readConfig } from "../../../lib/config/config.ts";

const NEEDED = ["-target-group-name=kafka", "-target-id=10.0.0.1"];

function faultsOf(args: readonly string[], shell: boolean): readonly string[] {
  const reading = readConfig([...NEEDED, ...args], {}, { shell });
  return reading.kind === "faults" ? reading.faults : [];
}

Deno.test("readConfig() without a shell names flag, value, what is wrong and what would be right", () => {
  assertEquals(faultsOf(['-pre-register-command=echo "a" | cat'], false), [
    'invalid value "echo \\"a\\" | cat" for flag -pre-register-command: there is no /bin/sh here ' +
    'to run it, and "|" at character 10 is a pipe: quote it if it is meant as it stands, ' +
    "otherwise use an image that has /bin/sh",
  ]);
});

Deno.test("readConfig() without a shell reports every command, beside all other faults", () => {
  const faults = faultsOf([
    "-pre-register-command=a &",
    "-post-register-command=fine",
    "-post-deregister-command=b;",
    "-register-timeout=never",
  ], false);
  const flags = faults.map((fault) => /flag (\S+):/.exec(fault)?.[1]);
  assertEquals(flags, [
    "-register-timeout",
    "-pre-register-command",
    "-post-deregister-command",
  ]);
});

Deno.test("readConfig() leaves everything but an unterminated quote to a shell", () => {
  assertEquals(faultsOf(["-pre-register-command=a | b"], true), []);
  assert(faultsOf(["-pre-register-command=echo 'a"], true)[0]?.includes("not closed"));
});

Deno.test("readConfig() without a shell finds no fault in what needs none, or is not set", () => {
  assertEquals(faultsOf(["-pre-register-command=touch '/shared/is ready'"], false), []);
  assertEquals(faultsOf(["-pre-register-command="], false), []);
});

Deno.test("readConfig() says the same of an unterminated quote with a shell and without", () => {
  const args = ["-pre-register-command=echo 'a"];
  assertEquals(faultsOf(args, false), faultsOf(args, true));
});
