/** One word for one thing: `docs/glossary.md`. These words are not in it. */
import { assert, assertEquals } from "@std/assert";
import { program } from "../modules.ts";
import { PAGES, read, tableAfter } from "./_docs.ts";

/** A word, what to write instead, and where another meaning of it is allowed. */
interface Banned {
  readonly word: RegExp;
  readonly use: string;
  readonly except?: RegExp;
}

const BANNED: readonly Banned[] = [
  // "Fault" is what the emulator injects.
  { word: /\bfault(s|y|ed)?\b/i, use: "error", except: /--fault|inject|emulator/i },
  { word: /\b(Known|Standing|TargetState)\b/, use: "Membership" },
  { word: /\b(departures?|departs?|departed)\b/i, use: "deregistering, DeregistrationOutcome" },
  { word: /\b(DrainEnd|DrainResult)\b/, use: "DrainOutcome" },
  { word: /\bEnding\b/, use: "LifecycleOutcome" },
  { word: /\bleaving\b|\blets? go\b|\bletting go\b/i, use: "deregistering" },
  { word: /\bboard\b/i, use: "status" },
  { word: /\bhurry\b/i, use: "forced stop" },
  { word: /\bsightings?\b/i, use: "observation" },
  { word: /\blook(s|ed|ing)?\b(?! like| up)/i, use: "check, poll, find" },
  { word: /\b(ask(s|ed|ing)?|asks for)\b/i, use: "request, poll" },
  { word: /\bquestions?\b/i, use: "request" },
  { word: /\b(is|are|be|was|were) told\b/i, use: "reports" },
  { word: /\bsomebody\b|\bstrangers?\b/i, use: "another client" },
  { word: /\bgo(es)? on\b/i, use: "continue" },
  { word: /\bsentences?\b/i, use: "message" },
  { word: /\b(life|lives)\b/i, use: "lifecycle" },
  {
    word: /\bcycles?\b/i,
    use: "registration cycle",
    except: /registration cycles?|import cycle|in a cycle/i,
  },
  { word: /\b(rooms?|house)\b/i, use: "module, structure" },
];

function findings(path: string): string[] {
  // A comment's own marks and line breaks do not divide a phrase.
  const text = read(path).replaceAll(/\s+(\/\/|\*)?\s*/g, " ");
  return BANNED.flatMap(({ word, use, except }) =>
    [...text.matchAll(new RegExp(word.source, `${word.flags}g`))]
      .map(({ index }) => text.slice(Math.max(0, index - 30), index + 30))
      .filter((around) => except?.test(around) !== true)
      .map((around) => `${path}: "…${around}…" (${word.source}), write: ${use}`)
  );
}

/** Pages and sources; the glossary alone says what a fault is. */
const PATHS = [...PAGES.filter((page) => page !== "docs/glossary.md"), ...program];

Deno.test("code and docs use the glossary's words", () => {
  const found = PATHS.flatMap(findings);
  assertEquals(found, [], found.join("\n"));
});

Deno.test("the words that are banned are found", () => {
  const line = "somebody asked the board about the departure, and the sentence goes on";
  assertEquals(BANNED.filter(({ word }) => word.test(line)).length, 6);
});

Deno.test("the glossary has each term once, with a meaning", () => {
  const terms = ["## AWS", "## Kubernetes", "## This program"]
    .flatMap((section) => tableAfter("docs/glossary.md", section));
  assertEquals(new Set(terms.map(([term]) => term)).size, terms.length);
  assert(terms.every(([, meaning = ""]) => meaning !== ""));
});
