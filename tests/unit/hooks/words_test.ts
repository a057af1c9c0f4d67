import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { commandError, shellExists, SplitError, splitWords } from "../../../lib/hooks/words.ts";

/** What is split, and the words that come of it; random commands are in the property tests. */
const SPLIT: readonly [string, ...string[]][] = [
  ["touch /shared/ready", "touch", "/shared/ready"],
  ["\n a \t b \n\n", "a", "b"],
  ["a\\\nb \\\n c \\\n", "ab", "c"],
  ["a 'b c' '' \"\" d''e 'f'\"g\"h", "a", "b c", "", "", "de", "fgh"],
  ["a 'b\nc' 'd\\' 'e\\\nf' '\"' \"'\"", "a", "b\nc", "d\\", "e\\\nf", '"', "'"],
  ["a '$HOME `id` | * ~ #'", "a", "$HOME `id` | * ~ #"],
  ['a "| & ; < > ( ) * ? [ ~ # { } = !"', "a", "| & ; < > ( ) * ? [ ~ # { } = !"],
  ['a "\\"\\\\\\$HOME\\`" "b\\nc" "d\\\ne" "f\\\\"', "a", '"\\$HOME`', "b\\nc", "de", "f\\"],
  ["a b\\ c \\  \\'d \\\"e \\\\ \\\\\\\nf", "a", "b c", " ", "'d", '"e', "\\", "\\f"],
  ["a \\$HOME \\`id\\` \\| \\& \\; \\<", "a", "$HOME", "`id`", "|", "&", ";", "<"],
  ["a \\> \\( \\) \\* \\? \\[ \\~ \\# \\{", "a", ">", "(", ")", "*", "?", "[", "~", "#", "{"],
  ["a $ b$ 'c'$ $% $. $/ $\\x", "a", "$", "b$", "c$", "$%", "$.", "$/", "$x"],
  ['a "$" "$ " "$." "$\'b\'"', "a", "$", "$ ", "$.", "$'b'"],
  [
    "a b#c ''#d b~ ''~ b=~ {} {}b } ] b]",
    "a",
    "b#c",
    "#d",
    "b~",
    "~",
    "b=~",
    ..."{} {}b } ] b]".split(" "),
  ],
  ["a b=c d+=e ! b! if then exit", "a", "b=c", "d+=e", "!", "b!", "if", "then", "exit"],
  ["'b=c' d", "b=c", "d"],
  ["b\\=c d", "b=c", "d"],
  ["'b'=c d", "b=c", "d"],
  ["1b=c d", "1b=c", "d"],
  ["=c d", "=c", "d"],
  ["'if' a", "if", "a"],
  ["i\\f a", "if", "a"],
  ["'exit' 1", "exit", "1"],
  ["iffy", "iffy"],
  ["a -- --b=c , : @ % + ^ - . /", "a", "--", "--b=c", ...", : @ % + ^ - . /".split(" ")],
  ["a é \u{1f600} \\\u{1f600} '\u{1f600}'", "a", "é", "\u{1f600}", "\u{1f600}", "\u{1f600}"],
  ["a b\u00a0c d\r", "a", "b\u00a0c", "d\r"],
  [
    "curl -d '{\"a\": [1, 2]}' http://localhost/x",
    "curl",
    "-d",
    '{"a": [1, 2]}',
    "http://localhost/x",
  ],
];

/** What is refused, and commands in which it stands at its first place. */
const REFUSED: readonly (readonly [shown: string, ...commands: string[]])[] = [
  ["|", "a | b", "a|b", "a || b"],
  ["&", "a && b", "a &"],
  [";", "a; b", "a ;; b"],
  ["$HOME", "a $HOME", "a b$HOME.c", 'a "b $HOME"'],
  ...["$1", "$?", "$$", "$*", "$#", "$!", "$-", "$@", "${", "$(", "$["]
    .map((name) => [name, `a ${name}`, `a "${name}"`] as const),
  ["`", "a `id`", 'a "`id`"'],
  ["$'", "a $'b'"],
  ['$"', 'a $"b"'],
  [">", "a > b", "a 2>&1", "a >> b"],
  ["<", "a < b", "a <<E"],
  ["(", "(a)"],
  [")", "a )"],
  ["*", "ls *.txt"],
  ["?", "ls ?"],
  ["[", "[ -f a ]"],
  ["{", "a {b,c}", "{ a"],
  ["~", "ls ~", "~/a"],
  ["#", "a # b", "#a"],
  ...["if", "!", "}", "exit", "cd", ".", ":"].map((word) =>
    [word, `${word} a`, ` ${word} a`] as const
  ),
];

/** The same, where the place or the words are others. */
const REFUSED_OTHERWISE: readonly (readonly [command: string, reason: string])[] = [
  ["A=b c", '"A=" at character 1 sets a variable: set it in the container\'s environment'],
  ["A=", '"A=" at character 1 sets a variable'],
  ["_a1+=b", '"_a1+=" at character 1 sets a variable'],
  ["a\nb", "the line break at character 2 separates two commands: end the line with a backslash"],
  ["a \n \n b", "the line break at character 3"],
  ["a $\\\nHOME", '"$" at character 3 means more to a shell'],
  ["a 'b", "the single quote at character 3 is never closed"],
  ["a 'b\\'c'", "the single quote at character 8 is never closed"],
  ['a "b', "the double quote at character 3 is never closed"],
  ['a "b\\"', "the double quote at character 3 is never closed"],
  ['a "b\\', "the double quote at character 3 is never closed"],
  ["a \\", "ends with a backslash"],
  ...["", " \n\t ", "\\\n"].map((command) => [command, "has no words"] as const),
];

Deno.test("splitWords() splits words as they are quoted", () => {
  for (const [command, ...words] of SPLIT) {
    assertEquals(splitWords(command), words, JSON.stringify(command));
  }
});

Deno.test("splitWords() refuses what a shell would do more about, with a remedy", () => {
  const meaning = "means more to a shell: quote it if it is meant as it stands, " +
    "otherwise use an image that has /bin/sh";
  const refused = REFUSED.flatMap(([shown, ...commands]) =>
    commands.map((command) =>
      [command, `"${shown}" at character ${command.indexOf(shown) + 1} ${meaning}`] as const
    )
  );
  for (const [command, reason] of [...refused, ...REFUSED_OTHERWISE]) {
    const { message } = assertThrows(() => splitWords(command), SplitError, reason);
    assertMatch(message, /: [a-z]/);
  }
});

Deno.test("splitWords() splits every accepted command as the real shell does", async () => {
  for (const [command] of SPLIT) {
    // The command's words become arguments, so its line must not begin with a line break.
    const args = command.replace(/^\s+/, "");
    const shell = new Deno.Command("/bin/sh", { args: ["-c", `printf '%s\\0' ${args}`] });
    const { stdout } = await shell.output();
    const words = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
    assertEquals(splitWords(command), words, JSON.stringify(command));
  }
});

Deno.test("shellExists() finds this system's shell", () => {
  assertEquals(shellExists(), true);
});

Deno.test("shellExists() is false where there is none, or no program of the name", () => {
  assertEquals(shellExists("/bin/no-such-shell"), false);
  assertEquals(shellExists("/etc/passwd/sh"), false);
  assertEquals(shellExists("/etc/passwd"), false);
  assertEquals(shellExists("/bin"), false);
});

Deno.test({
  name: "shellExists() takes a shell that it may not look for to be there",
  permissions: { read: [import.meta.dirname ?? ""] },
  fn: () => assertEquals(shellExists(), true),
});

Deno.test("commandError() says in the shell's words what it cannot parse, and runs nothing", async () => {
  const folder = await Deno.makeTempDir();
  for (const command of [`touch ${folder}/run`, "echo 'a' # it's", "cat <<E\nit's\nE", ""]) {
    assertEquals(commandError(command, true), undefined, command);
  }
  for (const command of [`touch ${folder}/run; echo 'a`, 'echo "$(a"', "if true", "a )", "a ||"]) {
    assertMatch(commandError(command, true) ?? "", /^\/bin\/sh cannot parse it: .*[a-z]/, command);
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test({
  name: "commandError() leaves it to the run where it may not start the shell",
  permissions: { run: false },
  fn: () => assertEquals(commandError("echo 'a", true), undefined),
});
