/** The sidecar's container, run as a cluster would run it, on the host's network. */
import { assertEquals } from "@std/assert";
import { PrintedLines } from "../../tools/lines.ts";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import { type Engine, IMAGE } from "./engine.ts";

export const TARGET = "10.0.0.1";

/**
 * What a whole lifecycle is given, with its hooks, its HTTP service and TLS, and no swap. Measured
 * on x86_64 with Deno 2.4.2, the program's file in the page cache already: 24 MiB held, at 20 MiB
 * the kernel killed it at its start.
 */
export const MEMORY_MIB = 64;

/** What a restricted pod is given, and nothing more. */
export const RESTRICTED = [
  ...["--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL"],
  "--security-opt=no-new-privileges",
] as const;

/** How a container is started. */
export interface ContainerOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** More options of `podman run`. */
  readonly options?: readonly string[];
}

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

  /** Follows the log until a line of it is found. */
  async line(pattern: RegExp): Promise<string> {
    const follower = this.engine.command(["logs", "--follow", this.id]).spawn();
    const streams = [new PrintedLines(follower.stdout), new PrintedLines(follower.stderr)];
    try {
      return await Promise.any(streams.map((one) => one.line(pattern)));
    } catch {
      throw new Error(`no line ${pattern} in:\n${await this.log()}`);
    } finally {
      end(follower);
      await follower.status;
    }
  }

  /** The whole log so far, of both streams. */
  async log(): Promise<string> {
    const { stdout, stderr } = await this.engine.command(["logs", this.id]).output();
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

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** A container against an emulator of its own. */
export class ImageScene implements AsyncDisposable {
  private constructor(readonly emulator: Emulator, readonly container: Container) {}

  static async start(
    engine: Engine,
    { args = [], options = [] }: Partial<ContainerOptions> = {},
  ): Promise<ImageScene> {
    const emulator = await startGroup();
    const container = await Container.start(engine, {
      args: ["-target-group-name=kafka", `-target-id=${TARGET}`, ...args],
      env: emulator.environment,
      options,
    });
    return new ImageScene(emulator, container);
  }

  /** Waits until it serves, stops it as the kubelet does, and sees that nothing is left. */
  async live(): Promise<string> {
    await this.container.line(/serving until/);
    assertEquals(this.emulator.registered("kafka").length, 1);
    const code = await this.container.stop();
    const log = await this.container.log();
    assertEquals(code, 0, log);
    await this.emulator.settled();
    assertEquals(this.emulator.registered("kafka"), []);
    return log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.container[Symbol.asyncDispose]();
    await this.emulator[Symbol.asyncDispose]();
  }
}

/** An emulator with the group of all scenes. */
export async function startGroup(): Promise<Emulator> {
  return await startEmulator({
    groups: [{ name: "kafka", port: 9092, healthCheckIntervalSeconds: 1 }],
  });
}
