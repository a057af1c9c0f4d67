import { assertEquals } from "@std/assert";
import { unterminatedQuote } from "../../../lib/hooks/words.ts";

const OPEN: readonly string[] = [
  "echo 'a",
  'echo "a',
  "'",
  '"',
  "echo it's",
  "echo 'a\\'b'",
  'echo "a\\"',
  'echo "a\\',
  "echo a # b\necho 'c",
  "echo a\\\n'b",
  "echo a#'b",
  "echo $#'b",
  "echo a\\\n#'b",
  'echo "$(echo a',
  'echo "$(echo a)',
  'echo "$(echo \'a)"',
  "echo \"$(echo ')')",
  'echo "$( (echo a) )',
  'echo "$(echo a # )"',
  "echo $(echo 'a)",
  'echo "`id`',
  'echo "${A}',
  "echo ${A}'",
  "echo \"a'",
  "echo '\"",
  "a; 'b",
  'a < "b',
];

const CLOSED: readonly string[] = [
  "",
  "echo a",
  "echo 'a' \"b\"",
  "echo it\\'s",
  'echo it\\"s',
  'echo "it\'s"',
  "echo 'say \"hi'",
  "echo a # it's",
  "# it's",
  "echo a;# it's",
  "echo a # it's\necho b",
  "echo a \\\n# it's",
  "echo 'a\\'",
  'echo "a\\"b"',
  'echo "a\\\nb"',
  'echo "$(echo \'a"b\')"',
  'echo "$(echo "a")"',
  'echo "$(echo "$(echo "a")")"',
  'echo "$(echo a # it\'s\n)"',
  "echo \"$(echo ')')\"",
  'echo "$( (echo a) )"',
  `echo "$( (echo a); echo '"' )"`,
  'echo "$$(a"',
  'echo "$$$(echo a)"',
  "echo $(echo 'a')",
  "echo `echo a # b` `cat <a` `echo $A`",
  'echo "$\'"',
];

/** What is left to the shell, closed or not. */
const UNSURE: readonly string[] = [
  "cat <<E\nit's\nE",
  "cat <\\\n<E\nit's\nE",
  "cat <<E\nfine\nE\necho 'a",
  "echo $'it\\'s'",
  "echo $\\\n'it\\'s'",
  'echo "${A:-it\'s}"',
  "echo `echo 'a`",
  "echo `echo '\\`'`",
  'echo "${A:-"}"}"',
  'echo "`echo \\"a\\"`"',
  "echo $((1)) 'a",
  'echo "$((1))',
  'echo "$(case a in a) echo it;; esac)',
  "echo \"$(case a in a) echo ')';; esac)\"",
];

Deno.test("unterminatedQuote() is true of a quote that is never closed", () => {
  for (const command of OPEN) assertEquals(unterminatedQuote(command), true, command);
});

Deno.test("unterminatedQuote() is false where every quote is closed", () => {
  for (const command of CLOSED) assertEquals(unterminatedQuote(command), false, command);
});

Deno.test("unterminatedQuote() is false where only a shell can tell", () => {
  for (const command of UNSURE) assertEquals(unterminatedQuote(command), false, command);
});

Deno.test("unterminatedQuote() reports nothing that the real shell would run", async () => {
  for (const command of OPEN) {
    const shell = new Deno.Command("/bin/sh", { args: ["-n", "-c", command], stderr: "null" });
    const { success } = await shell.output();
    assertEquals(success, false, command);
  }
  for (const command of CLOSED) {
    const shell = new Deno.Command("/bin/sh", { args: ["-n", "-c", command] });
    const { success, stderr } = await shell.output();
    assertEquals(success, true, `${command}: ${new TextDecoder().decode(stderr)}`);
  }
});
