/** The one form of `parseArgs` that the flags use: every flag is a string and may be repeated. */
export declare function parseArgs(
  args: string[],
  options: { string: string[]; collect: string[] },
): { [name: string]: unknown };
