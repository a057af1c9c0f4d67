/** What happens in the cluster, in order, for a timeline and for those who wait for it. */
import type { Milliseconds } from "../../lib/host/duration.ts";
import type { ProbeKind } from "./spec.ts";
import type { Time } from "./time.ts";

/** What can happen to a pod. */
export type PodHappening =
  | { readonly kind: "created"; readonly revision: number }
  | { readonly kind: "scheduled"; readonly node: string; readonly ip: string }
  /** All init containers are done and all sidecars have started. */
  | { readonly kind: "initialized" }
  | { readonly kind: "ready" }
  | { readonly kind: "unready" }
  /** Ready for `minReadySeconds`. */
  | { readonly kind: "available" }
  | { readonly kind: "terminating"; readonly reason: string }
  | { readonly kind: "gone" };

/** What can happen to a container. */
export type ContainerHappening =
  | { readonly kind: "container-started"; readonly pid: number; readonly restarts: number }
  /** Its postStart hook is done and its startup probe, if it has one, has succeeded. */
  | { readonly kind: "container-startup-done" }
  | { readonly kind: "container-ready" }
  | { readonly kind: "container-unready" }
  | { readonly kind: "probe-failed"; readonly probe: ProbeKind; readonly reason: string }
  | { readonly kind: "killing"; readonly reason: string }
  | { readonly kind: "hook-begun"; readonly hook: HookName }
  | {
    readonly kind: "hook-ended";
    readonly hook: HookName;
    readonly outcome: "done" | "failed" | "abandoned";
    readonly reason: string;
  }
  /** `ignored` is what the kernel does to a first process without a handler for it. */
  | { readonly kind: "signal"; readonly signal: "SIGTERM" | "SIGKILL"; readonly ignored: boolean }
  | { readonly kind: "exited"; readonly code: number; readonly message: string }
  | { readonly kind: "back-off"; readonly seconds: number };

/** The two hooks of a container. */
export type HookName = "postStart" | "preStop";

/** What can happen to a node, a Deployment, or an eviction. */
export type ClusterHappening =
  | { readonly kind: "cordoned"; readonly node: string }
  | { readonly kind: "uncordoned"; readonly node: string }
  | { readonly kind: "eviction-refused"; readonly pod: string; readonly reason: string }
  | {
    readonly kind: "scaled";
    readonly deployment: string;
    readonly revision: number;
    readonly replicas: number;
  };

/** One thing that happened; `at` is counted from the cluster's start. */
export type Event =
  & { readonly at: Milliseconds }
  & (
    | PodHappening & { readonly pod: string }
    | ContainerHappening & { readonly pod: string; readonly container: string }
    | ClusterHappening
  );

/** Of the parts of a union, each without `at`. */
type Untimed<E> = E extends unknown ? Omit<E, "at"> : never;

/** An event as it is reported. */
export type Happening = Untimed<Event>;

/** No one waits longer for an event than this, unless it says so. */
const PATIENCE: Milliseconds = 60_000;

/** The events of one cluster. */
export class Timeline {
  readonly #time: Time;
  readonly #broken: Promise<never>;
  readonly #events: Event[] = [];
  readonly #listeners = new Set<(event: Event) => void>();

  /** @param broken Rejects when the cluster can no longer do what it is for. */
  constructor(time: Time, broken: Promise<never>) {
    this.#time = time;
    this.#broken = broken;
  }

  /** All events so far. */
  get events(): readonly Event[] {
    return this.#events;
  }

  /** Adds an event and tells the listeners. */
  record(happening: Happening): void {
    const event = { at: this.#time.now(), ...happening };
    this.#events.push(event);
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
  async until(
    isWanted: (event: Event) => boolean,
    patience: Milliseconds = PATIENCE,
  ): Promise<Event> {
    const past = this.#events.find(isWanted);
    if (past) return past;
    const { promise, resolve, reject } = Promise.withResolvers<Event>();
    const stop = this.listen((event) => isWanted(event) && resolve(event));
    const timer = setTimeout(() => {
      const last = this.#events.slice(-40).map((event) => JSON.stringify(event));
      reject(new Error(`no such event in ${patience} ms: ${isWanted}\n${last.join("\n")}`));
    }, patience);
    try {
      return await Promise.race([promise, this.#broken]);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }
}
