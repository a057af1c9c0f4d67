import { assertEquals } from "@std/assert";
import { program, read } from "../modules.ts";

const PAGE = "docs/troubleshooting.md";

/** All texts of the program: literals that are put together are one, what varies is "…". */
const TEXTS = program.map(read).join("\n")
  .replaceAll(/["`]\s*\+\s*["`]/g, "")
  .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…")
  .replaceAll('\\"', '"');

/** The sentences that the page is keyed by. */
function sentences(): string[] {
  return [...read(PAGE).matchAll(/^### `+ ?(.+?) ?`+$/gm)].map(([, sentence = ""]) => sentence);
}

Deno.test("every sentence that the troubleshooting page tells of is one of the program's", () => {
  const strange = sentences().filter((sentence) => {
    const parts = sentence.split("…").map((part) => part.trim()).filter((part) => part !== "");
    return !parts.every((part) => TEXTS.includes(part));
  });
  assertEquals(strange, []);
  assertEquals(new Set(sentences()).size, sentences().length);
});

/** What the program warns of or fails with by a fixed text of its own. */
function warnings(): string[] {
  const texts = TEXTS.matchAll(
    /(?:log\.(?:warn|error)\(\s*|new Failure\(\s*"\w+",\s*|warnings\.push\(\s*)(["`])(.+?)\1/g,
  );
  return [...texts].map(({ 2: text = "" }) => text);
}

Deno.test("every warning and failure of the program is on the troubleshooting page", () => {
  const page = read(PAGE);
  const missing = warnings().filter((warning) =>
    !warning.split("…").every((part) => page.includes(part.trim()))
  );
  assertEquals(missing, []);
});

Deno.test("every remedy for a state that waiting does not change is on the page", () => {
  const reasons = [...read("lib/registration/health.ts").matchAll(/"(Target\.\w+)":/g)]
    .map(([, reason = ""]) => reason);
  assertEquals(reasons.filter((reason) => !read(PAGE).includes(reason)), []);
});
