/** The commands of hooks. */
import { SHELL, SplitError, splitWords } from "../hooks/words.ts";
import type { Parsed, System } from "./flag.ts";

/**
 * Checks a command without running it, so that a mistake is an error at the start and not when the
 * hook runs. Without a shell in the image, anything that needs one is an error.
 */
export function parseCommand(command: string, { shell, syntaxError }: System): Parsed<string> {
  const error = shell ? syntaxError?.(command) : noShellError(command);
  return error === undefined ? { value: command } : { error };
}

function noShellError(command: string): string | undefined {
  try {
    splitWords(command);
    return undefined;
  } catch (error) {
    if (!(error instanceof SplitError)) throw error;
    return `the image has no ${SHELL} to run it, and ${error.message}`;
  }
}
