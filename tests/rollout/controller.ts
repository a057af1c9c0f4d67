/** What a controller outside the pods does for them, as the AWS Load Balancer Controller does. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Event } from "../cluster/events.ts";
import type { Emulator } from "../emulator/emulator.ts";
import type { EmulatorEvent } from "../emulator/events.ts";
import { NAME, PORTS } from "./manifests.ts";

/**
 * Registers a pod's target when its application is started, opens the pod's readiness gate when it
 * is healthy, and deregisters it when the pod is deleted. It is quicker than real ones, which learn
 * of it from the API server, and it is never throttled.
 */
export class Controller implements Disposable {
  readonly #cluster: Cluster;
  readonly #emulator: Emulator;
  readonly #gates: string;
  readonly #registered = new Set<string>();
  readonly #ends: readonly (() => void)[];
  /** How many calls of the API it would have made. */
  calls = 0;

  /** @param gates The folder of the readiness gates. */
  constructor(cluster: Cluster, emulator: Emulator, gates: string) {
    this.#cluster = cluster;
    this.#emulator = emulator;
    this.#gates = gates;
    this.#ends = [
      cluster.listen((event) => this.#onEvent(event)),
      emulator.listen((event) => this.#onState(event)),
    ];
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  #onEvent(event: Event): void {
    if (event.kind !== "container-started" && event.kind !== "terminating") return;
    const id = this.#cluster.pod(event.pod).ip;
    if (id === undefined) return;
    const target = { id, port: PORTS.application };
    if (event.kind === "container-started" && !this.#registered.has(id)) {
      this.#registered.add(id);
      this.calls++;
      this.#emulator.registerByOther(NAME, target);
    }
    if (event.kind === "terminating" && this.#registered.delete(id)) {
      this.calls++;
      this.#emulator.deregisterByOther(NAME, target);
    }
  }

  /** It polls the state of a new target until it is healthy: one call more. */
  #onState(event: EmulatorEvent): void {
    if (event.kind !== "state-changed") return;
    const gate = `${this.#gates}/${event.target.id}`;
    if (event.to.state === "healthy") {
      this.calls++;
      Deno.writeTextFileSync(gate, "");
    } else if (event.to.state === "initial") {
      // Of the pod that had the address before.
      Deno.writeTextFileSync(gate, "");
      Deno.removeSync(gate);
    }
  }
}
