/** Errors of the file system as Node.js throws them: the SDK and `lib/aws/` check their codes. */

const CODES: readonly (readonly [new (message: string) => Error, string, string])[] = [
  [Deno.errors.NotFound, "ENOENT", "no such file or directory"],
  [Deno.errors.PermissionDenied, "EACCES", "permission denied"],
  [Deno.errors.IsADirectory, "EISDIR", "illegal operation on a directory"],
];

/** The error with code and words of Node.js; one that it does not have stays as it is. */
export function asNode(error: unknown, path: string): unknown {
  const known = CODES.find(([kind]) => error instanceof kind);
  if (known === undefined) return error;
  const [, code, words] = known;
  return Object.assign(new Error(`${code}: ${words}, open '${path}'`, { cause: error }), { code });
}
