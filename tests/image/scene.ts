/** A container against an emulator of its own. */
import { assertEquals } from "@std/assert";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import type { GroupSettings } from "../emulator/settings.ts";
import { Container } from "./container.ts";
import type { Engine } from "./engine.ts";

export const TARGET = "10.0.0.1";

/** What a container is started with, besides what every one is. */
export interface ImageSceneOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
}

export class ImageScene implements AsyncDisposable {
  private constructor(readonly emulator: Emulator, readonly container: Container) {}

  static async start(
    engine: Engine,
    { args = [], env = {}, options = [] }: ImageSceneOptions = {},
  ): Promise<ImageScene> {
    const emulator = await startGroup();
    const container = await Container.start(engine, {
      args: ["-target-group-name=kafka", `-target-id=${TARGET}`, ...args],
      env: { ...emulator.environment, ...env },
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
    await this.nothingLeft();
    return log;
  }

  async nothingLeft(): Promise<void> {
    await this.emulator.settled();
    assertEquals(this.emulator.registered("kafka"), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.container[Symbol.asyncDispose]();
    await this.emulator[Symbol.asyncDispose]();
  }
}

/** An emulator with one group: that which all scenes use, unless told otherwise. */
export async function startGroup(group: Partial<GroupSettings> = {}): Promise<Emulator> {
  return await startEmulator({
    groups: [{ name: "kafka", port: 9092, healthCheckIntervalSeconds: 1, ...group }],
  });
}
