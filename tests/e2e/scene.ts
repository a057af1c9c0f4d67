/** A sidecar process against an emulator of its own, and what must be true of both in the end. */
import { assertEquals } from "@std/assert";
import type { FaultRule } from "../emulator/faults.ts";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import type { GroupOptions } from "../emulator/settings.ts";
import { SidecarProcess } from "./sidecar_process.ts";

/** What a scene starts with. */
export interface SceneOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readsLog?: boolean;
  readonly starter?: readonly string[];
  readonly faults?: readonly FaultRule[];
  /** Of the group `kafka`; it is healthy at once unless this says otherwise. */
  readonly group?: Partial<GroupOptions>;
  /** More groups. */
  readonly groups?: readonly GroupOptions[];
}

export const TARGET = "10.0.0.1";

/** Short names for the order of calls. */
const SHORT: Readonly<Record<string, string>> = {
  DescribeTargetGroups: "find",
  RegisterTargets: "register",
  DescribeTargetHealth: "look",
  DeregisterTargets: "deregister",
};

/** A running sidecar and its emulator. */
export class Scene implements AsyncDisposable {
  readonly emulator: Emulator;
  readonly sidecar: SidecarProcess;

  readonly #start: () => SidecarProcess;

  private constructor(emulator: Emulator, start: () => SidecarProcess) {
    this.emulator = emulator;
    this.#start = start;
    this.sidecar = start();
  }

  /** Starts both; the sidecar is for the group `kafka` unless the arguments name others. */
  static async start(options: SceneOptions = {}): Promise<Scene> {
    const {
      args = [],
      env = {},
      readsLog = true,
      starter = [],
      faults = [],
      group = {},
      groups = [],
    } = options;
    const emulator = await startEmulator({
      groups: [{ name: "kafka", port: 9092, healthCheckIntervalSeconds: 1, ...group }, ...groups],
      faults,
    });
    const named = args.some((arg) => arg.startsWith("-target-group"));
    const start = () =>
      new SidecarProcess({
        args: [...(named ? [] : ["-target-group-name", "kafka"]), "-target-id", TARGET, ...args],
        env: { ...emulator.environment, ...env },
        readsLog,
        starter,
      });
    return new Scene(emulator, start);
  }

  /** Starts another sidecar like the first: the container was restarted. */
  another(): SidecarProcess {
    return this.#start();
  }

  /** The calls so far, by their short names; looks in a row count as one. */
  get calls(): string {
    return this.emulator.calls.map(({ action }) => SHORT[action] ?? action).join(" ")
      .replaceAll(/look( look)+/g, "look");
  }

  /** Waits until the emulator has received a call (the first, or the n-th of its kind). */
  async received(action: string, nth = 1): Promise<void> {
    let count = 0;
    await this.emulator.seen((event) =>
      event.kind === "call-received" && event.action === action && ++count === nth
    );
  }

  /** Ends when nothing is under way any more; then, what must hold after every exit 0. */
  async nothingLeftBehind(): Promise<void> {
    this.emulator.release();
    await this.emulator.settled();
    for (const { name } of this.emulator.groups) {
      assertEquals(this.emulator.registered(name), [], `a target is left in ${name}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sidecar[Symbol.asyncDispose]();
    await this.emulator[Symbol.asyncDispose]();
  }
}
