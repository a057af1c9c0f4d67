/** The message that `kubectl describe pod` shows for a container that ended. */
import { abortable } from "@std/async/abortable";
import { systemClock } from "./clock.ts";
import type { Milliseconds } from "./duration.ts";
import { type Log, printable } from "./log.ts";
import { isPipe } from "./small_file.ts";

/** Where the kubelet mounts the file, unless the manifest says otherwise. */
export const DEFAULT_TERMINATION_LOG = "/dev/termination-log";

/** How long a write may take: the file may be a pipe, or on a disk that hangs. */
const WRITE_TIMEOUT: Milliseconds = 1_000;

/** The place for the last message. */
export interface TerminationLog extends Disposable {
  /** Writes one message, over what was there. Where that fails, it logs a warning. */
  write(message: string): Promise<void>;
}

/**
 * Opens the file at the start, while the process may: it gives back the permission to write. The
 * default file is used only where it exists, which it does in Kubernetes.
 */
export function openTerminationLog(path: string, log: Log): TerminationLog {
  try {
    return writerOf(openToWrite(path), path, log);
  } catch (error) {
    const write = () => Promise.resolve(complain(error, path, log));
    return { write, [Symbol.dispose]: () => {} };
  }
}

function openToWrite(path: string): Deno.FsFile {
  const create = path !== DEFAULT_TERMINATION_LOG;
  // Opening a pipe that nothing reads would never end.
  if (isPipe(path)) throw new TypeError("it is a named pipe");
  return Deno.openSync(path, { write: true, create });
}

function writerOf(file: Deno.FsFile, path: string, log: Log): TerminationLog {
  return {
    write: async (message) => {
      const bytes = new TextEncoder().encode(printable(message) + "\n");
      const signal = systemClock.within(WRITE_TIMEOUT);
      await abortable(overwrite(file, bytes), signal).catch((error) => complain(error, path, log));
    },
    [Symbol.dispose]: () => file.close(),
  };
}

async function overwrite(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  if ((await file.stat()).isFile) {
    await file.seek(0, Deno.SeekMode.Start);
    await file.truncate();
  }
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

function complain(error: unknown, path: string, log: Log): void {
  const isDefault = path === DEFAULT_TERMINATION_LOG;
  if (isDefault && error instanceof Deno.errors.NotFound) return;
  // Deno lets a program write below /dev with all permissions only, whether or not it exists.
  const expected = isDefault && error instanceof Deno.errors.NotCapable;
  const level = expected ? "debug" : "warn";
  log[level]("failed to write the termination log", { file: path, error: String(error) });
}
