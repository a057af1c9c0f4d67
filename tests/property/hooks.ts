/** Commands, split into words, held against the system's own shell; and what they print. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LineSplitter, LONGEST_LINE } from "../../lib/hooks/output.ts";
import { createLog } from "../../lib/host/log.ts";
import { SplitError, splitWords } from "../../lib/hooks/words.ts";
import { anyText, asyncProperty, type Property, property } from "./property.ts";

const NO_NUL = (text: string) => !text.includes("\0") && text.isWellFormed();

/** Texts that look like commands. */
const command = fc.string({
  unit: fc.constantFrom(..."ab1 \t'\"\\$.,:=-/_é\n#~{}!%^+@]"),
  maxLength: 24,
});

/** Line breaks and continued lines included: between words of a script they would end a command. */
const LEADING_BLANKS = /^(?:[ \t\n]|\\\n)+/;

/** Undefined: refused, with a reason. */
function wordsOf(command: string): string[] | undefined {
  try {
    return splitWords(command);
  } catch (error) {
    assert(error instanceof SplitError && error.message !== "", String(error));
    return undefined;
  }
}

/** What `sh` makes of the words of many commands: each is given to `printf`, which runs nothing. */
async function shellWords(commands: readonly string[]): Promise<string[][]> {
  const script = commands.map((one) => `printf '%s\\0' ${one}\nprintf '\\001\\0'\n`).join("");
  const { stdout, success, stderr } = await new Deno.Command("/bin/sh", { args: ["-c", script] })
    .output();
  assert(success, new TextDecoder().decode(stderr));
  const texts = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
  const all: string[][] = [[]];
  for (const text of texts) {
    if (text === "\x01") all.push([]);
    else all.at(-1)?.push(text);
  }
  return all.slice(0, -1);
}

const line = fc.string({ unit: "grapheme", maxLength: LONGEST_LINE / 100 })
  .filter((text) => !/[\n\r]/.test(text) && text.isWellFormed());

export const HOOKS: readonly Property[] = [
  property("any command is split or refused", 4, anyText, (text) => {
    const words = wordsOf(text);
    if (words !== undefined) assert(words.length > 0);
  }),
  property(
    "words that were quoted come out as they were",
    4,
    fc.array(anyText.filter(NO_NUL), { minLength: 1 }),
    (words) => {
      const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
      assertEquals(splitWords(command), words);
    },
  ),
  asyncProperty(
    "what is split, sh splits in the same way (each input is 50 commands)",
    0.01,
    fc.array(command, { minLength: 50, maxLength: 50 }),
    async (commands) => {
      const split = commands.flatMap((text) => {
        const words = wordsOf(text);
        return words === undefined ? [] : [{ text: text.replace(LEADING_BLANKS, ""), words }];
      });
      const expected = await shellWords(split.map(({ text }) => text));
      assertEquals(split.map(({ words }) => words), expected);
    },
  ),
  property(
    "lines of any text come out as they were, however their bytes are cut into chunks",
    3,
    fc.tuple(fc.array(line), fc.array(fc.nat(400))),
    ([lines, cuts]) => {
      const bytes = new TextEncoder().encode(lines.map((line) => line + "\n").join(""));
      const ends = [...cuts, bytes.length].sort((one, other) => one - other);
      const splitter = new LineSplitter();
      const seen = ends.flatMap((end, at) => splitter.push(bytes.subarray(ends[at - 1] ?? 0, end)));
      seen.push(...splitter.end());
      assertEquals(seen, lines);
    },
  ),
  property(
    "any message and fields are one line of the log; as JSON they are read back",
    2,
    fc.tuple(anyText, fc.dictionary(fc.constantFrom("one", "two", "three"), anyText)),
    ([message, fields]) => {
      const lines: string[] = [];
      const write = (line: string) => void lines.push(line);
      createLog({ format: "text", level: "info", write }).info(message, fields);
      createLog({ format: "json", level: "info", write }).info(message, fields);
      assertEquals(lines.length, 2);
      for (const line of lines) assert(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line), line);
      const { time: _, level: __, message: read, ...rest } = JSON.parse(lines[1] ?? "");
      assertEquals([read, rest], [message, { ...fields }]);
    },
  ),
];
