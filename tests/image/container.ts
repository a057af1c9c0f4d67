/** The sidecar's container, run as a cluster would run it, on the host's network. */
import { type Engine, IMAGE } from "./engine.ts";

/**
 * What a whole life is given, with its hooks, its HTTP service and TLS, and no swap. Measured on
 * x86_64 with Deno 2.4.2, the program's file in the page cache already: 24 MiB held, at 20 MiB the
 * kernel killed it at its start.
 */
export const MEMORY_MIB = 64;

/** What a restricted pod is given, and nothing more. */
export const RESTRICTED = [
  "--network=host",
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
] as const;

/** How a container is started. */
export interface ContainerOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** More options of `podman run`. */
  readonly options?: readonly string[];
}

/** How long a test waits for a line of the log. */
const PATIENCE_MS = 120_000;

/** A started container. Dispose of it to remove it. */
export class Container implements AsyncDisposable {
  private constructor(readonly engine: Engine, readonly id: string) {}

  static async start(
    engine: Engine,
    { args, env, options = [] }: ContainerOptions,
  ): Promise<Container> {
    const variables = Object.entries(env).map(([name, value]) => `--env=${name}=${value}`);
    const id = await engine.podman([
      ...["run", "--detach", ...RESTRICTED, `--memory=${MEMORY_MIB}m`],
      `--memory-swap=${MEMORY_MIB}m`,
      ...[...variables, ...options, IMAGE, ...args],
    ]);
    return new Container(engine, id);
  }

  /** A container that something else has started. */
  static of(engine: Engine, id: string): Container {
    return new Container(engine, id);
  }

  /** Follows the log until a line of it is found. */
  async line(pattern: RegExp): Promise<string> {
    const follower = new Deno.Command("podman", {
      args: ["logs", "--follow", this.id],
      env: this.engine.env,
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).spawn();
    const streams = [follower.stdout, follower.stderr];
    try {
      return await Promise.any(streams.map((stream) => find(stream, pattern)));
    } catch {
      throw new Error(`no line ${pattern} in:\n${await this.log()}`);
    } finally {
      kill(follower);
      await follower.status;
    }
  }

  /** The whole log so far, of both streams. */
  async log(): Promise<string> {
    const { stdout, stderr } = await new Deno.Command("podman", {
      args: ["logs", this.id],
      env: this.engine.env,
    }).output();
    const decoder = new TextDecoder();
    return decoder.decode(stdout) + decoder.decode(stderr);
  }

  /** SIGTERM, as the kubelet sends it, and the exit code. */
  async stop(): Promise<number> {
    await this.engine.podman(["stop", "--time=60", this.id]);
    return await this.exitCode();
  }

  /** Waits until it has ended by itself. */
  async exitCode(): Promise<number> {
    return Number(await this.engine.podman(["wait", this.id]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.podman(["rm", "--force", "--time=0", this.id]);
  }
}

async function find(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    const found = lines.find((line) => pattern.test(line));
    if (found !== undefined) return found;
  }
  throw new Error("the log has ended");
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}
