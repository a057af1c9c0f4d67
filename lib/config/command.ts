/** The commands of hooks. */
import { SHELL, splitWords, unterminatedQuote } from "../hooks/words.ts";
import type { Parsed, System } from "./flag.ts";

/**
 * Checks a command without running it, so that a mistake is an error at the start and not when the
 * hook runs. Without a shell in the image, anything that needs one is an error.
 */
export function parseCommand(command: string, { shell }: System): Parsed<string> {
  if (unterminatedQuote(command)) return { error: "it contains an unclosed quote" };
  const split = shell ? undefined : splitWords(command);
  return split?.kind === "error"
    ? { error: `there is no ${SHELL} here to run it, and ${split.reason}` }
    : { value: command };
}
