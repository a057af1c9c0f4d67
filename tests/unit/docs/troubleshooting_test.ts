import { assert, assertEquals } from "@std/assert";
import { program, read } from "../modules.ts";

const PAGE = "docs/troubleshooting.md";

/** All texts of the program: literals that are put together are one, what varies is "…". */
const TEXTS = program.map(read).join("\n")
  .replaceAll(/["`]\s*\+\s*["`]/g, "")
  .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…")
  .replaceAll('\\"', '"');

const page = read(PAGE).replaceAll(/\s+/g, " ");

/** The messages that the page explains. */
const messages = [...page.matchAll(/ - `([^`]+)`:/g)].map(([, message = ""]) => message);

Deno.test("every message that the troubleshooting page explains is one of the program's", () => {
  const unknown = messages.filter((message) =>
    !message.split("…").every((part) => TEXTS.includes(part.trim()))
  );
  assertEquals(unknown, []);
  assert(messages.length > 90);
  assertEquals(new Set(messages).size, messages.length);
});

/** What the program warns of or fails with by a fixed text of its own. */
function warnings(): string[] {
  const texts = TEXTS.matchAll(
    /(?:log\.(?:warn|error)\(\s*|new Failure\(\s*"\w+",\s*|warnings\.push\(\s*)(["`])(.+?)\1/g,
  );
  return [...texts].map(({ 2: text = "" }) => text);
}

Deno.test("every warning and failure of the program is on the troubleshooting page", () => {
  const missing = warnings().filter((warning) =>
    !warning.split("…").every((part) => page.includes(part.trim()))
  );
  assertEquals(missing, []);
});

Deno.test("every state that waiting alone does not change is on the page", () => {
  const reasons = [...read("lib/registration/health.ts").matchAll(/"(Target\.\w+)":/g)]
    .map(([, reason = ""]) => reason);
  assertEquals(reasons.filter((reason) => !page.includes(reason)), []);
});
