/** What is asked of a running sidecar from outside: to drain its target, and to register it again. */
import type { DrainEnd } from "./status.ts";

/** Why the upper row of a life ends although no stop signal came. */
export class DrainRequested extends Error {
  override readonly name = "DrainRequested";

  constructor() {
    super("a drain is asked for");
  }
}

/** The requests of one life. `wanted` says whether the target is to be registered. */
export class Requests {
  #wanted = true;
  #leave = new AbortController();
  #again = new AbortController();
  #asked = new AbortController();
  #pending: PromiseWithResolvers<DrainEnd> | undefined;
  #last: DrainEnd | undefined;

  /** Whether the target is to be registered: until a drain, and after it was undone. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Whether somebody waits, or has waited and gone away, for a drain that has not ended. */
  get isDrainAwaited(): boolean {
    return this.#pending !== undefined;
  }

  /** Ends with a `DrainRequested` when a drain begins. */
  get leave(): AbortSignal {
    return this.#leave.signal;
  }

  /** Ends when a drain is undone; its reason says why, as a part of a sentence. */
  get again(): AbortSignal {
    return this.#again.signal;
  }

  /** Ends when a drain is asked for although the last one has ended, in failure. */
  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  /** Begins a drain, or joins the one that is under way. Never rejects. */
  drain(): Promise<DrainEnd> {
    // Who asked last is right: a wish to register again is out of date now.
    if (this.#again.signal.aborted) this.#again = new AbortController();
    if (!this.#wanted && this.#last?.outcome === "drained") return Promise.resolve(this.#last);
    this.#pending ??= Promise.withResolvers<DrainEnd>();
    const { promise } = this.#pending;
    if (this.#wanted) {
      this.#wanted = false;
      this.#leave.abort(new DrainRequested());
    } else {
      this.#asked.abort();
    }
    return promise;
  }

  /** Undoes a drain, if there is one: once that has ended, the target is registered again. */
  register(why = "it is asked for"): "registering" | "not-drained" {
    if (this.#wanted) return "not-drained";
    this.#again.abort(why);
    return "registering";
  }

  /** A new cycle begins: the target is to be registered (again). */
  begin(): void {
    this.#wanted = true;
    this.#last = undefined;
    this.#leave = new AbortController();
    this.#again = new AbortController();
    this.#asked = new AbortController();
  }

  /** A drain ended like this: for all who wait, and for all who ask while it stays so. */
  ended(end: DrainEnd): void {
    this.#asked = new AbortController();
    this.#last = end;
    this.#pending?.resolve(end);
    this.#pending = undefined;
  }
}
