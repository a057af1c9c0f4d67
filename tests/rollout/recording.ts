/** What happened in a scene, all on one clock. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Event } from "../cluster/events.ts";
import type { Emulator } from "../emulator/emulator.ts";
import type { EmulatorEvent } from "../emulator/events.ts";
import type { DatedFailure, Users } from "./users.ts";

/** An event of the load balancer. */
export interface Balancing {
  /** Milliseconds since the cluster's start. */
  readonly at: number;
  readonly event: EmulatorEvent;
}

/** A connection that failed. */
export interface Loss {
  /** Milliseconds since the cluster's start. */
  readonly at: number;
  readonly failure: DatedFailure;
  /** The address of the pod that it was sent to, where that is known. */
  readonly pod: string | undefined;
}

/** Takes down what happens; `at` is in milliseconds since the cluster's start. */
export class Recording implements Disposable {
  readonly #cluster: Cluster;
  readonly #emulator: Emulator;
  readonly #end: () => void;
  readonly balancing: Balancing[] = [];

  constructor(cluster: Cluster, emulator: Emulator) {
    this.#cluster = cluster;
    this.#emulator = emulator;
    this.#end = emulator.listen((event) => this.balancing.push({ at: cluster.now(), event }));
  }

  /** What happened to pods and containers. */
  get events(): readonly Event[] {
    return this.#cluster.events;
  }

  /** How many calls the API has got. */
  get calls(): number {
    return this.#emulator.calls.length;
  }

  /** The failed connections of users, and whose they were. */
  losses(users: Users): Loss[] {
    const zero = Date.now() - this.#cluster.now();
    return users.failures.map((failure) => ({
      at: failure.date - zero,
      failure,
      pod: failure.client === undefined ? undefined : this.#podOf(failure.client),
    }));
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  /** A client's port may be used again: the last flow is the one that is meant. */
  #podOf(client: string): string | undefined {
    const found = this.balancing.findLast(({ event }) =>
      "flow" in event && event.flow.client === client
    );
    return found && "flow" in found.event ? found.event.flow.target?.id : undefined;
  }
}
