/** A container's termination message, as the kubelet reads it. */

/** Bytes of a message that are kept. */
const MOST_BYTES = 4_096;

/** Of the log, if it stands in for the message: so many bytes and lines at most. */
const MOST_LOG_BYTES = 2_048;
const MOST_LOG_LINES = 80;

/** The file that a container writes its last word to. */
export class TerminationLog {
  /** Where the file is. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Makes it an empty file, as it is at a container's start. */
  clear(): void {
    Deno.writeTextFileSync(this.path, "");
  }

  /**
   * The message of a container that ended.
   * @param log Its output, if that is to stand in for a message after a failure.
   */
  read(code: number, log: readonly string[] | undefined): string {
    const message = Deno.readFileSync(this.path);
    if (message.length > 0 || code === 0 || log === undefined) {
      return new TextDecoder().decode(message.subarray(0, MOST_BYTES));
    }
    const tail = new TextEncoder().encode(log.slice(-MOST_LOG_LINES).join("\n"));
    return new TextDecoder().decode(tail.subarray(-MOST_LOG_BYTES));
  }
}
