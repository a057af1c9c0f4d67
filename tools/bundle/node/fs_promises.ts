/** As much of `node:fs/promises` as the AWS SDK uses to read credentials. */
import { smallFileText } from "../../../lib/host/small_file.ts";
import { asNode } from "./fs_errors.ts";

/** Reads a text. @throws {Error} As Node.js would say it, with its code. */
export async function readFile(path: string): Promise<string> {
  try {
    return await Promise.resolve(smallFileText(path));
  } catch (error) {
    throw asNode(error, path);
  }
}

export default { readFile };
