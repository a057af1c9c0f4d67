/** Stop signals as `AbortSignal`s. */
import { systemClock, whenEnded } from "./clock.ts";
import type { Milliseconds } from "./duration.ts";
import type { Log } from "./log.ts";

/** Why a lifecycle stops: a stop signal came, or an error that nothing caught. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";

  /** @param by The signal's name, or "an unexpected error". */
  constructor(readonly by: string, options?: ErrorOptions) {
    super(`${by} requests a stop`, options);
  }
}

/** The stop signals of a process. */
export interface StopSignals {
  /** Ends at the first stop signal; its reason is a `StopRequested`. */
  readonly stop: AbortSignal;
  /** Ends at the second one: skip what is not needed to leave nothing registered. */
  readonly forcedStop: AbortSignal;
}

/** The stop signals that a process listens for. */
export interface StopListener extends StopSignals, Disposable {
  /** Gets the errors that nothing caught and that came after the first stop request. */
  onLaterError: (error: unknown) => void;
}

/** A closed terminal sends SIGHUP, which would end the process with its target registered. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Signals that come so soon after the first are the same request, whatever their names: Ctrl-C
 * reaches a process from its terminal and again from npx or a shell that passes it on.
 */
const SAME_REQUEST: Milliseconds = 1_000;

/**
 * Listens for stop signals until disposed of, and for errors that nothing caught. These stop the
 * sidecar in order too: a process that just dies leaves its target registered.
 */
export function listenForStop(now: () => Milliseconds = systemClock.now): StopListener {
  const stop = new AbortController();
  const forcedStop = new AbortController();
  // Of signals only: the first one after an error must not skip hooks and the drain.
  let requestedAt: Milliseconds | undefined;

  const onSignal = (name: string) => {
    requestedAt ??= now();
    if (now() - requestedAt >= SAME_REQUEST) forcedStop.abort(new StopRequested(name));
    else stop.abort(new StopRequested(name));
  };
  const onError = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const cause = (event instanceof ErrorEvent ? event.error : event.reason) ??
      new Error("unknown");
    if (stop.signal.aborted) listener.onLaterError(cause);
    else stop.abort(new StopRequested("an unexpected error", { cause }));
  };
  const listeners = STOP_SIGNALS.map((name) => ({ name, onStopSignal: () => onSignal(name) }));

  for (const { name, onStopSignal } of listeners) Deno.addSignalListener(name, onStopSignal);
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onError);
  const listener: StopListener = {
    stop: stop.signal,
    forcedStop: forcedStop.signal,
    onLaterError: () => {},
    [Symbol.dispose]: () => {
      for (const { name, onStopSignal } of listeners) Deno.removeSignalListener(name, onStopSignal);
      globalThis.removeEventListener("error", onError);
      globalThis.removeEventListener("unhandledrejection", onError);
    },
  };
  return listener;
}

/** Logs each stop request, one from before there was a log included. */
export function logStops({ stop, forcedStop }: StopSignals, log: Log): void {
  whenEnded(stop, () => {
    const { by, cause }: StopRequested = stop.reason;
    if (cause === undefined) log.info("stop signal", { signal: by });
    else log.error("unexpected error: stopping in order", { error: describe(cause) });
  });
  whenEnded(forcedStop, () => {
    const { by }: StopRequested = forcedStop.reason;
    log.warn("second stop signal: hooks are skipped, deregistering continues", { signal: by });
  });
}

/** An error for people, with its stack. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
