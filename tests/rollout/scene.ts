/** A cluster, a load balancer and users: all that a rollout needs. */
import { Cluster } from "../cluster/cluster.ts";
import type { LoadOptions } from "../cluster/load.ts";
import type { Emulator } from "../emulator/emulator.ts";
import type { FaultRule } from "../emulator/faults.ts";
import { startEmulator } from "../emulator/server.ts";
import { Controller } from "./controller.ts";
import { groupOf } from "./group.ts";
import { type Changes, manifestOf, NAME } from "./manifests.ts";
import { type Command, imagesOf, rewrite } from "./programs.ts";
import { Recording } from "./recording.ts";
import type { Strategy } from "./strategies.ts";
import { here, SCALE } from "./time.ts";
import { Users } from "./users.ts";

/** How a scene is set. */
export interface SceneOptions {
  readonly strategy: Strategy;
  /** Starts the sidecar. */
  readonly sidecar: Command;
  readonly changes?: Changes;
  /** What is wrong with the API. */
  readonly faults?: readonly FaultRule[];
  /** How long the load balancer sends new connections after DeregisterTargets, in real seconds. */
  readonly sends?: number;
  readonly load?: Partial<LoadOptions>;
  /** How many addresses the cluster has for its pods. */
  readonly addresses?: number;
}

/** Of the Deployment, where nothing else is asked for. */
const REPLICAS = 3;

/** Connections of all three kinds; a lasting one lives for two minutes of a real cluster. */
const LOAD = {
  ...{ shortPerSecond: 60, halfClosedPerSecond: 6, lasting: 6, lastingLife: here(120) },
  patience: 20_000,
};

/** What a scene consists of. */
interface Parts {
  readonly options: SceneOptions;
  readonly emulator: Emulator;
  readonly cluster: Cluster;
  readonly recording: Recording;
  /** Where pods do not register themselves. */
  readonly controller: Controller | undefined;
  readonly users: Users;
  readonly stack: AsyncDisposableStack;
}

/** A running scene; disposing of it ends all of it. */
export class Scene implements AsyncDisposable {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Sets it up; done when all pods are in service and users come. */
  static async start(options: SceneOptions): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const emulator = stack.use(
      await startEmulator({
        groups: [groupOf(options.strategy, options.sends)],
        ...(options.faults && { faults: options.faults }),
      }),
    );
    const gates = await Deno.makeTempDir({ prefix: "gates-" });
    stack.defer(() => Deno.remove(gates, { recursive: true }));
    const cluster = stack.use(
      new Cluster({
        images: imagesOf(options.sidecar, { ...emulator.environment, READINESS_GATES: gates }),
        ...{ rewrite, timeScale: SCALE, nodes: 2, probeTimeoutAtLeast: 20_000 },
        ...(options.addresses !== undefined && { addresses: options.addresses }),
      }),
    );
    const recording = stack.use(new Recording(cluster, emulator));
    const controller = options.strategy.registrar.by === "controller"
      ? stack.use(new Controller(cluster, emulator, gates))
      : undefined;
    cluster.apply(manifestOf(options.strategy, options.changes));
    await cluster.rolledOut(NAME);
    await inService(emulator, replicasOf(options));
    const port = emulator.groups[0]?.port ?? 0;
    const users = stack.use(new Users({ hostname: "127.0.0.1", port, ...LOAD, ...options.load }));
    await users.begun(50);
    const parts = { options, emulator, cluster, recording, controller, users };
    return new Scene({ ...parts, stack: stack.move() });
  }

  get strategy(): Strategy {
    return this.#parts.options.strategy;
  }

  get emulator(): Emulator {
    return this.#parts.emulator;
  }

  get cluster(): Cluster {
    return this.#parts.cluster;
  }

  get recording(): Recording {
    return this.#parts.recording;
  }

  get users(): Users {
    return this.#parts.users;
  }

  get replicas(): number {
    return replicasOf(this.#parts.options);
  }

  /** How many calls of the API were made so far, those of the controller included. */
  get calls(): number {
    return this.recording.calls + (this.#parts.controller?.calls ?? 0);
  }

  /**
   * Replaces all pods; done when the new ones are ready and the old ones are on their way out.
   * @returns How long it took, in milliseconds.
   */
  async rollout(): Promise<number> {
    const began = this.cluster.now();
    this.cluster.restart(NAME);
    await this.cluster.rolledOut(NAME);
    return this.cluster.now() - began;
  }

  /**
   * Waits until all pods that were deleted are gone, those that are left are in service, and the
   * load balancer has forgotten the others: until then it may send connections to nobody.
   */
  async settled(replicas: number = this.replicas): Promise<void> {
    const leaving = this.cluster.pods.filter(({ isTerminating }) => isTerminating);
    await Promise.all(leaving.map(({ gone }) => gone));
    await inService(this.emulator, replicas);
    const isDraining = () => this.emulator.targets(NAME).some(({ state }) => state === "draining");
    while (isDraining()) await this.emulator.next(({ kind }) => kind === "state-changed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.stack.disposeAsync();
  }
}

/** Waits until so many targets are healthy. */
export async function inService(emulator: Emulator, count: number): Promise<void> {
  const healthy = () => emulator.targets(NAME).filter(({ state }) => state === "healthy").length;
  while (healthy() < count) await emulator.next(({ kind }) => kind === "state-changed");
}

function replicasOf({ changes }: SceneOptions): number {
  return changes?.replicas ?? REPLICAS;
}
