/** What a container has printed, for diagnosis and for those who wait for a line of it. */

/** So many lines are kept. */
const KEPT_LINES = 5_000;

/** No one waits longer for a line than this, in milliseconds. */
const PATIENCE = 60_000;

/** Lines of stdout and stderr; of many, the last. */
export class Output {
  readonly lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  /** Reads a stream to its end, or the signal's. */
  async read(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const onAbort = () => void reader.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    let rest = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#add(line);
    }
    signal.removeEventListener("abort", onAbort);
    if (rest !== "") this.#add(rest);
  }

  /**
   * Waits for a line, those already printed included.
   * @throws {Error} It did not come in time; the message has what was printed.
   */
  async line(pattern: RegExp): Promise<string> {
    const past = this.lines.find((line) => pattern.test(line));
    if (past !== undefined) return past;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const listener = (line: string) => pattern.test(line) && resolve(line);
    this.#listeners.add(listener);
    const timer = setTimeout(() => {
      reject(new Error(`no line ${pattern} in ${PATIENCE} ms:\n${this.lines.join("\n")}`));
    }, PATIENCE);
    return await promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    });
  }

  #add(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    for (const listener of [...this.#listeners]) listener(line);
  }
}
