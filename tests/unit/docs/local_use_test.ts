import { assert, assertEquals } from "@std/assert";
import { blocksOf, commandsOf } from "./_docs.ts";

/** How long each wait may take: the commands start programs that start programs. */
const PATIENCE_MS = 60_000;

/** A command of the docs, started as from a terminal. */
class Started implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #read: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(command: string, env: Record<string, string>, log: "stdout" | "stderr") {
    const [program, ...args] = command.split(" ");
    assertEquals(program, "deno");
    this.#child = new Deno.Command(Deno.execPath(), {
      args,
      env: { ...env, NO_COLOR: "1" },
      cwd: new URL("../../../", import.meta.url),
      // A process group of its own, as a shell gives to each command.
      detached: true,
      stdin: "null",
      stdout: log === "stdout" ? "piped" : "null",
      stderr: log === "stderr" ? "piped" : "null",
    }).spawn();
    this.#read = this.#follow(this.#child[log]);
  }

  /** What the pattern finds in the output. */
  async line(pattern: RegExp): Promise<string> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    patience.addEventListener("abort", () => this.#wake.resolve());
    while (!patience.aborted) {
      const found = this.#lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    throw new Error(`no ${pattern} in:\n${this.#lines.join("\n")}`);
  }

  /** Ctrl-C: the terminal sends SIGINT to the whole group. */
  async interrupt(): Promise<readonly string[]> {
    Deno.kill(-this.#child.pid, "SIGINT");
    await this.#child.status;
    await this.#read;
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#read;
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake.resolve();
    }
  }
}

function command(start: string): string {
  const found = commandsOf("docs/development.md").find((line) => line.startsWith(start));
  assert(found, `docs/development.md has no ${start}`);
  return found;
}

function variables(exported: string): Record<string, string> {
  const pairs = exported.split(" ").slice(1).map((pair) => pair.split("="));
  return Object.fromEntries(pairs);
}

/** A log line without its time and values: level, message, names of fields. */
function shapeOf(line: string): string {
  return line.replace(/^\S+Z /, "").replaceAll(/=("[^"]*"|\S*)/g, "=");
}

Deno.test("the commands to try by hand work as shown, and log what docs/flags.md shows", async () => {
  const std = import.meta.resolve("@std/assert").startsWith("file:") ? "npm" : "jsr";
  const env = { STD_SOURCE: std };
  const port = /--port (\d+)/.exec(command("deno task emulator "))?.[1] ?? "";
  const anyPort = command("deno task emulator ").replace(`--port ${port}`, "--port 0");
  await using emulator = new Started(anyPort, env, "stdout");
  const url = (await emulator.line(/^http:/)).trim();

  const start = command("deno task start ");
  assert(start.includes(`http://127.0.0.1:${port}`), "both commands name one port");
  const credentials = variables(command("export AWS_ACCESS_KEY_ID="));
  await using sidecar = new Started(
    start.replace(`http://127.0.0.1:${port}`, url),
    { ...env, ...credentials },
    "stderr",
  );
  await sidecar.line(/target is in service/);
  await sidecar.line(/serving until a stop signal comes/);
  const log = await sidecar.interrupt();
  const [sample] = blocksOf("docs/flags.md").filter(({ language }) => language === "text");
  const shown = sample?.text.trimEnd().split("\n").map(shapeOf) ?? [];
  const logged = log.map(shapeOf);
  assertEquals(shown.filter((line) => !logged.includes(line)), [], log.join("\n"));
  assertEquals(shown.at(-1), logged.at(-1));
});
