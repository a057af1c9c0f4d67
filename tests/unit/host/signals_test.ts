/** Uncaught faults; that signals arrive is tested with real processes (tests/e2e). */
import { assert, assertEquals } from "@std/assert";
import { listenForStop, logStops, StopRequested } from "../../../lib/host/signals.ts";
import { KeptLog } from "../kept_log.ts";

/** Dispatches a fault as the runtime does, and says whether the process lives on. */
function uncaught(fault: Error): boolean {
  return !globalThis.dispatchEvent(new ErrorEvent("error", { error: fault, cancelable: true }));
}

/** Signal listeners end a moment after they are removed. */
const listening = { sanitizeOps: false };

Deno.test(
  "a fault that nobody caught asks for a stop, and does not end the process",
  listening,
  () => {
    using signals = listenForStop();
    const log = new KeptLog();
    logStops(signals, log);
    const fault = new Error("boom");
    assert(uncaught(fault), "the process would have ended");
    assert(signals.stop.reason instanceof StopRequested);
    assertEquals(signals.stop.reason.cause, fault);
    assert(log.lines[0]?.startsWith("error unexpected fault: the sidecar stops in order"));
  },
);

Deno.test("a second fault is no second signal", listening, () => {
  using signals = listenForStop();
  uncaught(new Error("boom"));
  uncaught(new Error("boom"));
  assertEquals(signals.forcedStop.aborted, false);
});

Deno.test("a stop from before there was a log is logged too", listening, () => {
  using signals = listenForStop();
  uncaught(new Error("boom"));
  const log = new KeptLog();
  logStops(signals, log);
  assertEquals(log.lines.length, 1);
});

Deno.test("a rejection that nobody handles asks for a stop too", listening, () => {
  using signals = listenForStop();
  const promise = Promise.resolve();
  const reason = new Error("boom");
  const event = new PromiseRejectionEvent("unhandledrejection", {
    promise,
    reason,
    cancelable: true,
  });
  globalThis.dispatchEvent(event);
  assert(event.defaultPrevented, "the process would have ended");
  assertEquals(signals.stop.reason.cause, reason);
});

Deno.test("after disposing, nothing listens any more", listening, () => {
  const signals = listenForStop();
  signals[Symbol.dispose]();
  assertEquals(uncaught(new Error("boom")), false);
  assertEquals(signals.stop.aborted, false);
});
