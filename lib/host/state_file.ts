/** What outlives the process in a pod, in a small file: that the pod is being drained. */
import type { Log } from "./log.ts";
import { isPipe } from "./small_file.ts";

/** Keeps one fact of a pod. */
export interface StateFile extends Disposable {
  /** Whether a process before this one was draining the pod when it ended. */
  readonly wasDraining: boolean;
  /** Written when this returns: what follows from it must not come before. */
  keep(isDraining: boolean): void;
}

/**
 * Opens the file at the start, while the process may: it gives back the permission to write. What
 * another pod has left there is ignored.
 * @returns Undefined, with a warning, where it cannot be opened.
 */
export function openStateFile(
  { path, pod }: { readonly path: string; readonly pod: string },
  log: Log,
  warn: (message: string) => void,
): StateFile | undefined {
  try {
    // To read a pipe that nothing writes to would never end.
    if (isPipe(path)) throw new TypeError("it is a named pipe");
    const file = Deno.openSync(path, { read: true, write: true, create: true });
    const mark = new TextEncoder().encode(`draining ${pod}\n`);
    return {
      wasDraining: isMark(file, mark),
      keep: (isDraining) => {
        try {
          file.seekSync(0, Deno.SeekMode.Start);
          // Over what was there, and shortened after that: killed between both, it is there all the same.
          if (isDraining) file.writeSync(mark);
          file.truncateSync(isDraining ? mark.length : 0);
        } catch (error) {
          log.warn("failed to write the state file", { file: path, error: String(error) });
        }
      },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    warn(
      `-state-file ${path} cannot be opened (${
        error instanceof Error ? error.message : String(error)
      }), so a sidecar that is killed during a drain registers its pod again`,
    );
    return undefined;
  }
}

function isMark(file: Deno.FsFile, mark: Uint8Array): boolean {
  const buffer = new Uint8Array(mark.length);
  const read = file.readSync(buffer) ?? 0;
  return read >= mark.length && mark.every((byte, at) => byte === buffer[at]);
}
