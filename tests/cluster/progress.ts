/** Watches a rollout until it is complete, or until nothing moves any more. */
import type { Deployment } from "./deployment.ts";
import type { Event, Timeline } from "./events.ts";
import type { Time } from "./time.ts";

/** What counts as progress. Source: Deployments, "Progressing Deployment". */
const PROGRESS: ReadonlySet<Event["kind"]> = new Set(["created", "ready", "available", "scaled"]);

/** The watch over one rollout; disposing of it ends it. */
export class Progress implements Disposable {
  readonly #deployment: Deployment;
  readonly #time: Time;
  readonly #completed = Promise.withResolvers<void>();
  readonly #stop: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deployment: Deployment, time: Time, timeline: Timeline) {
    this.#deployment = deployment;
    this.#time = time;
    this.#stop = timeline.listen((event) => this.#look(event));
    this.#rearm();
    if (deployment.status.isRolledOut) this.#completed.resolve();
  }

  /** Resolves when the rollout is complete; rejects when its deadline is over. */
  get completed(): Promise<void> {
    return this.#completed.promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#stop();
  }

  #look(event: Event): void {
    if (PROGRESS.has(event.kind)) this.#rearm();
    // The Deployment acts on an event after it was reported.
    queueMicrotask(() => {
      if (this.#deployment.status.isRolledOut) this.#completed.resolve();
    });
  }

  #rearm(): void {
    clearTimeout(this.#timer);
    const { name, progressDeadline, minReady } = this.#deployment.spec;
    this.#timer = setTimeout(() => {
      const status = JSON.stringify(this.#deployment.status);
      this.#completed.reject(
        new Error(`deployment ${name} exceeded its progress deadline: ${status}`),
      );
      // Waiting for minReadySeconds is progress too.
    }, this.#time.scaled(progressDeadline + minReady));
  }
}
