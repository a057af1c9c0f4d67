/** As much of `node:path` as the AWS SDK uses, for the paths of POSIX. */

export const sep = "/";

/** Joins parts of a path to one, without `.` and `..` being resolved. */
export function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(sep).replaceAll(/\/+/g, sep);
}

/** The path without its last part. */
export function dirname(path: string): string {
  const end = path.lastIndexOf(sep);
  return end < 0 ? "." : path.slice(0, Math.max(1, end));
}
