/** A sidecar as a pod starts it: with mounted files and just the environment that it is given. */
import { assertEquals } from "@std/assert";
import type { Emulator, EmulatorOptions } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import { PROFILE_KEY, TRUST_OF_PODS } from "./pod_identity.ts";
import { TARGET } from "./scene.ts";
import { secretsIn } from "./secrets.ts";
import { SidecarProcess } from "./sidecar_process.ts";

/** What a pod's settings may depend on. */
export interface Place {
  /** Of the emulator. */
  readonly url: string;
  /** The folder of the files, and HOME. */
  readonly home: string;
  /** The ARN of `kafka`. */
  readonly arn: string;
}

type Texts = Readonly<Record<string, string>>;

/** What a pod is made of. */
export interface PodOptions {
  readonly env: (place: Place) => Texts;
  /** By their paths below HOME. */
  readonly files?: (place: Place) => Texts;
  /** Beside the group, which is `kafka` by its name unless the arguments name it. */
  readonly args?: (place: Place) => readonly string[];
  readonly emulator?: Omit<EmulatorOptions, "groups">;
}

/** How a pod's life ended. */
export interface PodEnd {
  readonly code: number;
  /** What is in the termination log. */
  readonly sentence: string;
  readonly log: string;
}

/** A running sidecar, its files, and the emulator that it is to find. */
export class Pod implements AsyncDisposable {
  private constructor(
    readonly emulator: Emulator,
    readonly sidecar: SidecarProcess,
    readonly home: string,
  ) {}

  static async start({ env, files, args, emulator: options }: PodOptions): Promise<Pod> {
    const emulator = await startEmulator({
      groups: [{ name: "kafka", port: 9092, healthCheckIntervalSeconds: 1 }],
      accessKeys: [PROFILE_KEY],
      trust: TRUST_OF_PODS,
      ...options,
    });
    const home = Deno.makeTempDirSync({ prefix: "pod-" });
    const place = { url: emulator.url, home, arn: emulator.arn("kafka") };
    for (const [path, text] of Object.entries(files?.(place) ?? {})) write(home, path, text);
    const given = args?.(place) ?? [];
    const isNamed = given.some((arg) => arg.startsWith("-target-group"));
    const sidecar = new SidecarProcess({
      args: [
        ...(isNamed ? [] : ["-target-group-name=kafka"]),
        `-target-id=${TARGET}`,
        "-log-level=debug",
        "-deregister-timeout=6s",
        `-termination-log=${home}/termination-log`,
        ...given,
      ],
      env: env(place),
      home,
    });
    return new Pod(emulator, sidecar, home);
  }

  /** Writes a file, as the kubelet renews a projected token. */
  write(path: string, text: string): void {
    write(this.home, path, text);
  }

  /** Who made the calls of the load balancer's API, each once. */
  get identities(): readonly (string | undefined)[] {
    const calls = this.emulator.calls.filter(({ action }) => !action.startsWith("AssumeRole"));
    return [...new Set(calls.map(({ identity }) => identity))];
  }

  get actions(): readonly string[] {
    return this.emulator.calls.map(({ action }) => action);
  }

  /** Waits for the end; what must hold after every life is checked here. */
  async ended(): Promise<PodEnd> {
    const { code, log: lines } = await this.sidecar.ended();
    const log = lines.join("\n");
    const sentence = await Deno.readTextFile(`${this.home}/termination-log`).catch(() => "");
    assertEquals(secretsIn(`${log}\n${sentence}`), [], log);
    await this.emulator.settled();
    assertEquals(this.emulator.registered("kafka"), [], log);
    return { code, sentence: sentence.trim(), log };
  }

  /** A whole life: serves, is told to stop, leaves. */
  async live(): Promise<PodEnd> {
    await this.sidecar.line(/serving until/);
    this.sidecar.signal("SIGTERM");
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sidecar[Symbol.asyncDispose]();
    await this.emulator[Symbol.asyncDispose]();
    await Deno.remove(this.home, { recursive: true });
  }
}

function write(home: string, path: string, text: string): void {
  const file = `${home}/${path}`;
  Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(file, text);
}
