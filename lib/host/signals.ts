/** SIGTERM and SIGINT as `AbortSignal`s. */
import { whenEnded } from "./clock.ts";
import type { Log } from "./log.ts";

/** Why the upper row of the life ends: a stop signal came, or a fault that nobody caught. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";

  /** @param by What asked for the stop: the signal's name, or "an unexpected fault". */
  constructor(readonly by: string, options?: ErrorOptions) {
    super(`${by} asks for a stop`, options);
  }
}

/** The stop signals of a process. */
export interface StopSignals {
  /** Ends at the first stop signal; its reason is a `StopRequested`. */
  readonly stop: AbortSignal;
  /** Ends at the second one: skip what is not needed to leave nothing behind. */
  readonly forcedStop: AbortSignal;
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Listens for stop signals until disposed of, and for faults that nobody caught: these stop the
 * sidecar in order too, since a process that just dies leaves its target registered.
 */
export function listenForStop(): StopSignals & Disposable {
  const stop = new AbortController();
  const forcedStop = new AbortController();

  const request = (by: string, cause?: unknown) => {
    if (!stop.signal.aborted) {
      stop.abort(new StopRequested(by, { cause }));
    } else if (cause === undefined) {
      forcedStop.abort(new StopRequested(by));
    }
  };
  const listeners = STOP_SIGNALS.map((name) => ({ name, listener: () => request(name) }));
  const onFault = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const fault = event instanceof ErrorEvent ? event.error : event.reason;
    request("an unexpected fault", fault ?? new Error("unknown"));
  };

  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  globalThis.addEventListener("error", onFault);
  globalThis.addEventListener("unhandledrejection", onFault);
  return {
    stop: stop.signal,
    forcedStop: forcedStop.signal,
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
      globalThis.removeEventListener("error", onFault);
      globalThis.removeEventListener("unhandledrejection", onFault);
    },
  };
}

/** Says it in the log when a stop is asked for, those included that were before there was a log. */
export function logStops({ stop, forcedStop }: StopSignals, log: Log): void {
  onStop(stop, ({ by, cause }) => {
    if (cause === undefined) log.info("stop signal", { signal: by });
    else log.error("unexpected fault: the sidecar stops in order", { error: textOf(cause) });
  });
  onStop(forcedStop, ({ by }) => {
    log.warn("second stop signal: hooks are skipped, deregistering goes on", { signal: by });
  });
}

function onStop(signal: AbortSignal, listener: (reason: StopRequested) => void): void {
  whenEnded(signal, () => listener(signal.reason));
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? fault.stack ?? fault.message : String(fault);
}
