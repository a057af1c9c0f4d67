/** What happens in the cluster, in order, for a timeline and for those who wait for it. */
import type { ProbeKind } from "./spec.ts";
import type { Time } from "./time.ts";

/** What can happen to a pod. */
export type PodHappening =
  | { readonly kind: "created" | "ready" | "unready" | "gone" }
  | { readonly kind: "scheduled"; readonly node: string; readonly ip: string }
  | { readonly kind: "terminating"; readonly reason: string };

/** What can happen to a container. */
export type ContainerHappening =
  | { readonly kind: "container-started"; readonly pid: number; readonly restarts: number }
  | { readonly kind: "probe-failed"; readonly probe: ProbeKind; readonly reason: string }
  | { readonly kind: "killing"; readonly reason: string }
  | { readonly kind: "hook-begun" }
  | {
    readonly kind: "hook-ended";
    readonly outcome: "done" | "failed" | "abandoned";
    readonly reason: string;
  }
  | { readonly kind: "signal"; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "back-off"; readonly seconds: number };

/** One thing that happened; `at` is in real milliseconds since the cluster's start. */
export type Event =
  & { readonly at: number }
  & (
    | PodHappening & { readonly pod: string }
    | ContainerHappening & { readonly pod: string; readonly container: string }
    | { readonly kind: "cordoned"; readonly node: string }
    | { readonly kind: "eviction-refused"; readonly pod: string; readonly reason: string }
  );

/** Of the parts of a union, each without `at`. */
type Untimed<E> = E extends unknown ? Omit<E, "at"> : never;

/** An event as it is reported. */
export type Happening = Untimed<Event>;

/** How long to wait for an event, in real milliseconds, before saying that it does not come. */
const PATIENCE = 60_000;

/** The events of one cluster. */
export class Timeline {
  readonly events: Event[] = [];
  readonly #time: Time;
  readonly #broken: Promise<never>;
  readonly #listeners = new Set<(event: Event) => void>();

  /** @param broken Rejects when the cluster can no longer do what it is for. */
  constructor(time: Time, broken: Promise<never>) {
    this.#time = time;
    this.#broken = broken;
  }

  record(happening: Happening): void {
    const event = { at: this.#time.now(), ...happening };
    this.events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Calls the listener for each event to come, until the result is called. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for an event, those that have happened included.
   * @throws {Error} It did not come in time; the message has the last events.
   */
  async until(isWanted: (event: Event) => boolean): Promise<Event> {
    const past = this.events.find(isWanted);
    if (past) return past;
    const { promise, resolve, reject } = Promise.withResolvers<Event>();
    const stop = this.listen((event) => isWanted(event) && resolve(event));
    const timer = setTimeout(() => {
      const last = this.events.slice(-40).map((event) => JSON.stringify(event));
      reject(new Error(`no such event in ${PATIENCE} ms: ${isWanted}\n${last.join("\n")}`));
    }, PATIENCE);
    try {
      return await Promise.race([promise, this.#broken]);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }
}
