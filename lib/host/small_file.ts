/** Settings and tokens in files. */

/** No file of settings or credentials is a tenth as long. */
const LONGEST = 1_000_000;

/**
 * Reads a file at once. Nothing else in its place is read: a pipe or a device could have no end, and
 * no signal would arrive meanwhile.
 * @throws {Error} It is something else, or too long, or cannot be read.
 */
export function smallFileText(path: string): string {
  const { isFile, isDirectory, size } = Deno.statSync(path);
  // To read a folder is an error of its own.
  if (!isFile && !isDirectory) throw new Error(`${path} is not a file`);
  if (size > LONGEST) {
    throw new Error(`${path} has more than ${LONGEST.toLocaleString("en")} bytes`);
  }
  return Deno.readTextFileSync(path);
}

/** Whether a path leads to a named pipe, which to open or to read may never end. */
export function isPipe(path: string): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}
