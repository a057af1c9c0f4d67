/** The one place that holds the current intent, and tells those who wait for it to change. */
import { type Clock, whenEnded } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { StateFile } from "../host/state_file.ts";
import type { StopSignals } from "../host/signals.ts";
import { type Intent, type IntentEvent, isDrainAwaited, nextIntent, sinceOf } from "./intent.ts";
import type { DrainOutcome } from "./outcome.ts";

/** What a client of `/register` gets to know. */
export type RegisterAnswer = "registering" | "not-drained" | "stopping";

/** Why a step ends early: the intent has changed. */
export class IntentChanged extends Error {
  override readonly name = "IntentChanged";

  constructor(to: Intent["state"]) {
    super(`the intent changed to ${to}`);
  }
}

/** What the intent is made of besides events. */
export interface IntentOptions {
  readonly clock: Clock;
  readonly signals: StopSignals;
  /** The pod's grace period; 0: not known. */
  readonly gracePeriod: Milliseconds;
  /** Keeps that the pod is being drained, for the process after this one. */
  readonly stateFile?: Pick<StateFile, "keep" | "wasDraining"> | undefined;
}

interface Watcher {
  readonly states: readonly Intent["state"][];
  readonly left: AbortController;
}

/** The current intent. Every change happens at once, in `send`. */
export class CurrentIntent {
  readonly #clock: Clock;
  readonly #gracePeriod: Milliseconds;
  readonly #forcedStop = new AbortController();
  readonly #watchers = new Set<Watcher>();
  #nextDrain = new AbortController();
  #graceBegins = new AbortController();
  #intent: Intent = { state: "serving" };
  #clients: PromiseWithResolvers<DrainOutcome> | undefined;
  readonly #stateFile: IntentOptions["stateFile"];
  #isKept: boolean;

  constructor({ clock, signals, gracePeriod, stateFile }: IntentOptions) {
    this.#clock = clock;
    this.#gracePeriod = gracePeriod;
    this.#stateFile = stateFile;
    this.#isKept = this.wasDraining;
    if (this.wasDraining) this.#intent = { state: "draining", since: clock.now(), next: "wait" };
    const { stop, forcedStop } = signals;
    whenEnded(stop, () => this.send({ event: "stop", at: clock.now(), cause: stop.reason }));
    whenEnded(forcedStop, () => this.send({ event: "second-stop" }));
  }

  /** Whether the process before this one was draining the pod when it ended. */
  get wasDraining(): boolean {
    return this.#stateFile?.wasDraining ?? false;
  }

  get now(): Intent {
    return this.#intent;
  }

  /** Ends when the second stop signal comes. */
  get forcedStop(): AbortSignal {
    return this.#forcedStop.signal;
  }

  /** Ends with the next request to drain. */
  get nextDrain(): AbortSignal {
    return this.#nextDrain.signal;
  }

  /** Ends when the grace period begins the next time. */
  get graceBegins(): AbortSignal {
    return this.#graceBegins.signal;
  }

  /** A signal that ends, with an `IntentChanged`, once the intent is none of these. */
  whileIn(...states: readonly Intent["state"][]): AbortSignal {
    const left = new AbortController();
    if (states.includes(this.#intent.state)) this.#watchers.add({ states, left });
    else left.abort(new IntentChanged(this.#intent.state));
    return left.signal;
  }

  /** Takes an event; all that follows from it has happened when this returns. */
  send(event: IntentEvent): void {
    const from = this.#intent;
    const to = nextIntent(from, event, this.#gracePeriod);
    if (to === from) return;
    this.#keep(to);
    this.#intent = to;
    if (isDrainAwaited(from) && (event.event === "drain-ended" || event.event === "ended")) {
      this.#clients?.resolve(event.outcome);
      this.#clients = undefined;
    }
    if (to.state === "stopping" && to.forced) this.#forcedStop.abort(new IntentChanged("stopping"));
    if (sinceOf(from) === undefined && sinceOf(to) !== undefined) {
      this.#graceBegins.abort(new IntentChanged(to.state));
      this.#graceBegins = new AbortController();
    }
    for (const watcher of this.#watchers) {
      if (watcher.states.includes(to.state)) continue;
      this.#watchers.delete(watcher);
      watcher.left.abort(new IntentChanged(to.state));
    }
  }

  /** Before anything follows from it. A stop alone is kept by nothing: the pod may stay. */
  #keep(to: Intent): void {
    const isDraining = to.state === "drained" || isDrainAwaited(to);
    const isOver = to.state === "serving" || to.state === "returning";
    if (isDraining === this.#isKept || !(isDraining || isOver)) return;
    this.#isKept = isDraining;
    this.#stateFile?.keep(isDraining);
  }

  /** Begins a drain, or joins the one that is under way. Never rejects. */
  drain(): Promise<DrainOutcome> {
    this.send({ event: "drain", at: this.#clock.now() });
    this.#nextDrain.abort(new IntentChanged(this.#intent.state));
    this.#nextDrain = new AbortController();
    const intent = this.#intent;
    if (intent.state === "drained" || intent.state === "ended") {
      return Promise.resolve(intent.outcome);
    }
    this.#clients ??= Promise.withResolvers<DrainOutcome>();
    return this.#clients.promise;
  }

  /** Undoes a drain, once that has ended. */
  register(): RegisterAnswer {
    this.send({ event: "register" });
    switch (this.#intent.state) {
      case "serving":
        return "not-drained";
      case "stopping":
      case "ended":
        return "stopping";
      default:
        return "registering";
    }
  }
}
