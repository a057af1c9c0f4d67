/** A cluster, a load balancer and users: all that a rollout needs. */
import { Cluster } from "../cluster/cluster.ts";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import type { GroupOptions } from "../emulator/settings.ts";
import { type Condition, SENDS } from "./conditions.ts";
import { Controller } from "./controller.ts";
import { type ManifestChanges, manifestOf, NAME, PORTS } from "./manifests.ts";
import { type Command, imagesOf, rewrite } from "./programs.ts";
import { Recording } from "./recording.ts";
import type { Strategy } from "./strategies.ts";
import { TERRAFORM } from "./terraform.ts";
import { here, SCALE } from "./time.ts";
import { Users } from "./users.ts";

/** How a scene is set. */
export interface SceneOptions {
  readonly strategy: Strategy;
  /** Starts the sidecar. */
  readonly sidecar: Command;
  readonly condition?: Partial<Condition>;
  /** Changes of the manifest besides those of the condition. */
  readonly changes?: ManifestChanges;
  /** How many addresses the cluster has for its pods. */
  readonly addresses?: number;
}

/** Of the Deployment, where nothing else is requested. */
const REPLICAS = 3;

/** Connections of all three kinds; a lasting one lasts for two minutes of a real cluster. */
export const LOAD = {
  ...{ shortPerSecond: 60, halfClosedPerSecond: 6, lasting: 6, lastingTime: here(120) },
  patience: 20_000,
};

/** A running scene; disposing of it ends all of it. */
export class Scene implements AsyncDisposable {
  private constructor(
    readonly strategy: Strategy,
    readonly replicas: number,
    readonly emulator: Emulator,
    readonly cluster: Cluster,
    readonly recording: Recording,
    readonly users: Users,
    /** How many calls of the API were made so far, those of the controller included. */
    readonly calls: () => number,
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** Sets it up; done when all pods are in service and users come. */
  static async start(options: SceneOptions): Promise<Scene> {
    const { strategy, condition = {}, addresses } = options;
    const { faults = [], kubeletCallsFrom } = condition;
    const changes = { replicas: REPLICAS, ...condition.changes, ...options.changes };
    await using stack = new AsyncDisposableStack();
    const emulator = stack.use(
      await startEmulator({ groups: [groupOf(strategy, condition)], faults }),
    );
    const gates = await Deno.makeTempDir({ prefix: "gates-" });
    stack.defer(() => Deno.remove(gates, { recursive: true }));
    const cluster = stack.use(
      new Cluster({
        images: imagesOf(options.sidecar, { ...emulator.environment, READINESS_GATES: gates }),
        ...{ rewrite, timeScale: SCALE, nodes: 2, probeTimeoutAtLeast: 20_000 },
        // A kubelet takes about so long, and the sidecar has to notice that the port was closed.
        restartAtLeast: 1_000,
        ...(addresses !== undefined && { addresses }),
        ...(kubeletCallsFrom !== undefined && { kubeletCallsFrom }),
      }),
    );
    const recording = stack.use(new Recording(cluster, emulator));
    const controller = strategy.registrar.by === "controller"
      ? stack.use(new Controller(cluster, emulator, gates))
      : undefined;
    cluster.apply(manifestOf(strategy, changes));
    await cluster.rolledOut(NAME);
    await inService(emulator, NAME, changes.replicas);
    const port = emulator.groups[0]?.port ?? 0;
    const users = stack.use(new Users({ hostname: "127.0.0.1", port, ...LOAD }));
    await users.begun(50);
    const calls = () => emulator.calls.length + (controller?.calls ?? 0);
    const { replicas } = changes;
    const moved = stack.move();
    return new Scene(strategy, replicas, emulator, cluster, recording, users, calls, moved);
  }

  /**
   * Replaces all pods; done when the new ones are ready and the old ones are terminating.
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
   * load balancer has forgotten the others: until then it may send connections to no pod.
   */
  async settled(replicas: number = this.replicas): Promise<void> {
    const terminating = this.cluster.pods.filter(({ isTerminating }) => isTerminating);
    await Promise.all(terminating.map(({ gone }) => gone));
    await inService(this.emulator, NAME, replicas);
    await forgotten(this.emulator, NAME);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** Waits until so many targets of a group are healthy. */
export async function inService(emulator: Emulator, group: string, count: number): Promise<void> {
  const healthy = () => emulator.targets(group).filter(({ state }) => state === "healthy").length;
  while (healthy() < count) await emulator.next(({ kind }) => kind === "state-changed");
}

/** Waits until no target of a group is draining. */
export async function forgotten(emulator: Emulator, group: string): Promise<void> {
  const isDraining = () => emulator.targets(group).some(({ state }) => state === "draining");
  while (isDraining()) await emulator.next(({ kind }) => kind === "state-changed");
}

/**
 * The target group that Terraform makes, with its times as they are here, which clients get to see: a
 * check each second is one in 20 s of a real cluster, as the API knows whole seconds only; a target
 * is known to the load balancer after 20 s. The timeout is
 * not scaled: a check that is late is due to the machine that all of this runs on.
 */
export function groupOf(
  { registrar }: Strategy,
  { sends = SENDS }: Partial<Condition> = {},
): GroupOptions {
  const asksSidecar = registrar.by === "sidecar" && registrar.healthCheck === "/target";
  return {
    ...{ name: NAME, port: PORTS.application, listener: true },
    health: asksSidecar ? { check: "http", path: "/target" } : { check: "tcp" },
    ...(asksSidecar && { healthCheckPort: PORTS.sidecar }),
    // By default the load balancer cuts all connections of a target that fails its check.
    unhealthyConnectionTermination: TERRAFORM.unhealthyConnectionTermination,
    ...{ healthCheckIntervalSeconds: 1, checkPatience: 20_000 },
    healthyThresholdCount: TERRAFORM.healthyThreshold,
    unhealthyThresholdCount: TERRAFORM.unhealthyThreshold,
    registering: here(20),
    deregistrationDelaySeconds: TERRAFORM.deregistrationDelay / SCALE,
    sendsAfterDeregistration: here(sends),
  };
}
