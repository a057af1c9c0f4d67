/** The shell that commands are written for, where there is one. */

export const SHELL = "/bin/sh";

/** Whether this system has a shell. One that may not be looked for is taken to be there. */
export function shellExists(path = SHELL): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
