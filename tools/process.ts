/** Running other programs from the tools. */

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end; what it writes goes where the tool's own output goes.
 * @throws {Error} It failed.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  const { code } = await new Deno.Command(program, { args: [...args], ...options }).spawn().status;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed with exit code ${code}`);
}

/**
 * What a program prints, without the line break at the end.
 * @throws {Error} It failed; the message has what it wrote on stderr.
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], ...options })
    .output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    throw new Error(`${program} ${args.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  }
  return decoder.decode(stdout).trimEnd();
}
