/** What happened in a scene, all on one clock, and which connections were lost. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Emulator } from "../emulator/emulator.ts";
import type { EmulatorEvent } from "../emulator/events.ts";
import type { DatedFailure, Users } from "./users.ts";

/** A connection that failed; `at` is in milliseconds since the cluster's start. */
export interface Loss {
  readonly at: number;
  readonly failure: DatedFailure;
  /** The address of the pod that it was sent to, where that is known. */
  readonly pod: string | undefined;
}

/** How often this process checks whether it stood still, in milliseconds. */
const EVERY = 100;

/** Records the load balancer's events; `at` is in milliseconds since the cluster's start. */
export class Recording implements Disposable {
  readonly #cluster: Cluster;
  readonly #stop: () => void;
  readonly balancing: { readonly at: number; readonly event: EmulatorEvent }[] = [];
  /** The longest time that this process, and so the load balancer, stood still. */
  standstill = 0;

  constructor(cluster: Cluster, emulator: Emulator) {
    this.#cluster = cluster;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.standstill = Math.max(this.standstill, now - last - EVERY);
      last = now;
    }, EVERY);
    const end = emulator.listen((event) => this.balancing.push({ at: cluster.now(), event }));
    this.#stop = () => {
      clearInterval(timer);
      end();
    };
  }

  /** The failed connections of users, and to which pods they went. */
  losses(users: Users): Loss[] {
    const zero = Date.now() - this.#cluster.now();
    return users.failures.map((failure) => ({
      at: failure.date - zero,
      failure,
      pod: failure.client === undefined ? undefined : this.#podOf(failure.client),
    }));
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  /** A client's port may be used again: the last flow is the one that is meant. */
  #podOf(client: string): string | undefined {
    const found = this.balancing.findLast(({ event }) =>
      "flow" in event && event.flow.client === client
    );
    return found && "flow" in found.event ? found.event.flow.target?.id : undefined;
  }
}

/** Losses within so many milliseconds are reported together. */
const TOGETHER = 500;

/** A line for each pod and moment. */
export function lossLines(strategy: string, losses: readonly Loss[]): string[] {
  const groups = Map.groupBy(losses, ({ at, pod }) => `${Math.floor(at / TOGETHER)} ${pod}`);
  return [...groups.values()].map((group) => {
    const at = Math.min(...group.map((one) => one.at)).toFixed(0);
    const kinds = new Set(group.map(({ failure: { on, what } }) => `${on} ${what}`));
    return `  ${strategy}: at ${at} ms, ${group.length} to ${group[0]?.pod ?? "no pod"}: ` +
      [...kinds].join(", ");
  });
}
