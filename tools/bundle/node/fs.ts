/** As much of `node:fs` as the AWS SDK uses to read credentials. */
import { smallFileText } from "../../../lib/host/small_file.ts";
import { asNode } from "./fs_errors.ts";
import { readFile } from "./fs_promises.ts";

/** Reads a text. @throws {Error} As Node.js would say it, with its code. */
export function readFileSync(path: string): string {
  try {
    return smallFileText(path);
  } catch (error) {
    throw asNode(error, path);
  }
}

export const promises = { readFile };
