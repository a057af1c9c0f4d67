/** The message that `kubectl describe pod` shows for a container that ended. */
import type { Log } from "./log.ts";

/** Where the kubelet mounts the file, unless the manifest says otherwise. */
export const DEFAULT_TERMINATION_LOG = "/dev/termination-log";

/**
 * Writes one sentence. The default file is written only where it exists: outside Kubernetes
 * nobody asked for it. A file that cannot be written costs a warning, never the exit code.
 */
export function writeTerminationLog(path: string, sentence: string, log: Log): void {
  const isDefault = path === DEFAULT_TERMINATION_LOG;
  try {
    Deno.writeTextFileSync(path, sentence + "\n", { create: !isDefault });
  } catch (error) {
    if (isDefault && error instanceof Deno.errors.NotFound) return;
    // Deno lets a program write below /dev with all permissions only, whether or not it exists.
    const expected = isDefault && error instanceof Deno.errors.NotCapable;
    const level = expected ? "debug" : "warn";
    log[level]("the termination log could not be written", { file: path, error: String(error) });
  }
}
