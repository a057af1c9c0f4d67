/** The message that `kubectl describe pod` shows for a container that ended. */
import type { Log } from "./log.ts";

/** Where the kubelet mounts the file, unless the manifest says otherwise. */
export const DEFAULT_TERMINATION_LOG = "/dev/termination-log";

/** The place for the last words. */
export interface TerminationLog extends Disposable {
  /** Writes one sentence, over what was there. Where that fails it costs a warning, no more. */
  write(sentence: string): void;
}

/**
 * Opens the file at the start, while the process may: it gives back the permission to write. The
 * default file is used only where it exists: outside Kubernetes nobody asked for it.
 */
export function openTerminationLog(path: string, log: Log): TerminationLog {
  const isDefault = path === DEFAULT_TERMINATION_LOG;
  try {
    return new OpenFile(Deno.openSync(path, { write: true, create: !isDefault }), path, log);
  } catch (error) {
    return { write: () => complain(error, path, log), [Symbol.dispose]: () => {} };
  }
}

class OpenFile implements TerminationLog {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #log: Log;

  constructor(file: Deno.FsFile, path: string, log: Log) {
    this.#file = file;
    this.#path = path;
    this.#log = log;
  }

  write(sentence: string): void {
    let rest = new TextEncoder().encode(sentence + "\n");
    try {
      this.#file.seekSync(0, Deno.SeekMode.Start);
      this.#file.truncateSync();
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (error) {
      complain(error, this.#path, this.#log);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function complain(error: unknown, path: string, log: Log): void {
  const isDefault = path === DEFAULT_TERMINATION_LOG;
  if (isDefault && error instanceof Deno.errors.NotFound) return;
  // Deno lets a program write below /dev with all permissions only, whether or not it exists.
  const expected = isDefault && error instanceof Deno.errors.NotCapable;
  const level = expected ? "debug" : "warn";
  log[level]("the termination log could not be written", { file: path, error: String(error) });
}
