/** The pages, and how tests read them. */
import { read } from "../modules.ts";

export { read };

const root = new URL("../../../", import.meta.url);

/** All pages that people read. */
export const PAGES = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  ...[...Deno.readDirSync(new URL("docs/", root))]
    .filter(({ name }) => name.endsWith(".md")).map(({ name }) => `docs/${name}`).sort(),
];

/** Where a file is. */
export function urlOf(path: string): URL {
  return new URL(path, root);
}

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** Where it begins in the page. */
  readonly at: number;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const fences = read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fences].map(({ 1: language = "", 2: text = "", index }) => ({
    page,
    language,
    text,
    at: index,
  }));
}

/** The lines of all shell blocks of a page; a line that ends with a backslash goes on. */
export function commandsOf(page: string): string[] {
  return blocksOf(page).filter(({ language }) =>
    ["sh", "bash", "shell", "console"].includes(language)
  )
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, "").split("\n"))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The rows of the first table after a text, without its head; cells are trimmed. */
export function tableAfter(page: string, text: string): string[][] {
  const source = read(page);
  const from = source.indexOf(text);
  if (from < 0) throw new Error(`${page} has no ${text}`);
  const [table = ""] = /^\|.*\|\n(?:\|.*\|\n)*/m.exec(source.slice(from)) ?? [];
  return table.trimEnd().split("\n").slice(2)
    .map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}
