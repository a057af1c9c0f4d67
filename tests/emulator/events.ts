/** What happens in the emulator, as events that a test can wait for without polling. */
import type { FlowEnding } from "./flow.ts";
import type { StateChange, Target } from "./states.ts";

/** How a call ended. */
export type Outcome =
  /** Not yet over, or never to be answered. */
  | "pending"
  /** A whole reply was sent, be it a result or an error. */
  | "answered"
  /** A part of a reply was sent, and the connection closed. */
  | "cut-off"
  /** The connection was reset in the place of a reply. */
  | "reset"
  /** The client closed the connection before the reply. */
  | "client-gone";

/** One call of the API, from the moment its request was read; filled in as it proceeds. */
export interface Call {
  /** Counts from 1, in the order of arrival. */
  readonly number: number;
  /** Milliseconds from the emulator's start, as all its times. */
  readonly at: number;
  /** The `Action` of the request, or `""`. */
  readonly action: string;
  /** Which TCP connection it came by; counts from 1. */
  readonly connection: number;
  /** Of the access key that signed it: `static`, `web-identity`, `container`, `imds`, ... */
  readonly identity?: string;
  readonly groupArn?: string;
  /** As in the request: without a port where it gave none. */
  readonly targets?: readonly { readonly id: string; readonly port?: number }[];
  readonly names?: readonly string[];
  /** Whether the action was carried out: for a change, that the group has changed. */
  readonly applied: boolean;
  readonly appliedAt?: number;
  readonly outcome: Outcome;
  readonly answeredAt?: number;
  /** The HTTP status sent. */
  readonly status?: number;
  /** The error code sent. */
  readonly code?: string;
}

/** A client's connection through a listener; filled in as it proceeds. */
export interface Flow {
  /** Counts from 1, in the order in which the listener accepts them. */
  readonly number: number;
  /** The client's address and port. */
  readonly client: string;
  /** Where it was sent, if there was a target. */
  readonly target?: Target;
  readonly ending?: FlowEnding | "no-target";
}

/** The steps of a flow; one that is refused only ends. */
export type FlowStep = "flow-opened" | "flow-ended";

/** The steps of a call, in this order; `client-gone` can come at any time. */
export type CallStep =
  | "call-received"
  | "call-applied"
  | "call-answered"
  | "client-gone";

/** Something that happened; groups are named. */
export type EmulatorEvent =
  & { readonly at: number }
  & (
    | { readonly kind: CallStep; readonly action: string; readonly call: Call }
    | { readonly kind: "state-changed"; readonly group: string } & StateChange
    | { readonly kind: FlowStep; readonly group: string; readonly flow: Flow }
    /** A credential endpoint has answered, e.g. `container` or `imds-token`. */
    | { readonly kind: "credentials-requested"; readonly endpoint: string; readonly status: number }
  );

/** How long to wait for an event, in milliseconds, before saying that it does not come. */
const PATIENCE = 30_000;

/** All events so far, and those who wait for the next. */
export class EventLog implements Disposable {
  readonly all: EmulatorEvent[] = [];
  readonly #listeners = new Set<(event: EmulatorEvent) => void>();
  readonly #end = new AbortController();

  add(event: EmulatorEvent): void {
    this.all.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Calls the listener with each event to come, until the returned function is called. */
  listen(listener: (event: EmulatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first event from now on that fits. */
  next(fits: (event: EmulatorEvent) => boolean): Promise<EmulatorEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<EmulatorEvent>();
    const timer = setTimeout(() => reject(new Error(this.#tooLate())), PATIENCE);
    const remove = this.listen((event) => fits(event) && resolve(event));
    const { signal } = this.#end;
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    const done = promise.finally(() => {
      clearTimeout(timer);
      remove();
      signal.removeEventListener("abort", onAbort);
    });
    // One who no longer waits when the emulator ends has no use for the error.
    done.catch(() => {});
    return done;
  }

  [Symbol.dispose](): void {
    this.#end.abort(new Error("The emulator has ended"));
    this.#listeners.clear();
  }

  #tooLate(): string {
    const last = this.all.slice(-10).map((event) => `  ${JSON.stringify(event)}`);
    return `No such event in ${PATIENCE} ms; the last events were:\n${last.join("\n")}`;
  }
}
