/** As much of `node:os` as the AWS SDK uses. */

/** The home folder of the user; the SDK needs it only if `HOME` is not set. */
export function homedir(): string {
  throw new TypeError('The "path" argument must be of type string: there is no HOME');
}

/** The operating system, by the name that Node.js has for it. */
export function platform(): string {
  return Deno.build.os;
}

/** The version of the operating system. */
export function release(): string {
  return Deno.osRelease();
}
