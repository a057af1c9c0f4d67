/** The commands of hooks. */
import { SHELL, splitWords, unterminatedQuote } from "../hooks/words.ts";
import type { Parsed, System } from "./flag.ts";

/**
 * Checks a command as far as that is possible without running it. Where there is no shell, what
 * only a shell can do is an error at the start, not a surprise at the end.
 */
export function parseCommand(command: string, { shell }: System): Parsed<string> {
  if (unterminatedQuote(command)) return { error: "it contains an unclosed quote" };
  const split = shell ? undefined : splitWords(command);
  return split?.kind === "error"
    ? { error: `there is no ${SHELL} here to run it, and ${split.reason}` }
    : { value: command };
}
