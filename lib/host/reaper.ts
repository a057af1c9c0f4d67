/**
 * Zombies. As process 1 of its container, the sidecar becomes the parent of whatever a hook's command
 * leaves behind, and Deno reaps only processes that it started itself.
 */

/** Reaps the dead processes of a group. Its leader must have been reaped: Deno waits for that one. */
export type Reap = (group: number) => void;

/** wait(2): do not wait for processes that are alive. */
const WNOHANG = 1;

/**
 * Loads waitpid(2), which stays usable when permissions are given back. It costs next to no memory
 * of the process's own (20 kB; the rest is code of Deno that all of its processes share).
 * @returns Undefined where it cannot be loaded: without the permission, or with another C library.
 */
export function openReaper(): Reap | undefined {
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" },
    });
    return (group) => {
      while (symbols.waitpid(-group, null, WNOHANG) > 0);
    };
  } catch {
    return undefined;
  }
}
