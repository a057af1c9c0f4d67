/** What counts as a request to stop; that signals arrive is tested with real processes (tests/e2e). */
import { assert, assertEquals } from "@std/assert";
import { listenForStop, logStops, StopRequested } from "../../../lib/host/signals.ts";
import { KeptLog } from "../kept_log.ts";

/** Dispatches an error as the runtime does, and says whether the process lives on. */
function uncaught(error: Error): boolean {
  return !globalThis.dispatchEvent(new ErrorEvent("error", { error, cancelable: true }));
}

/** Rejects a promise that nothing handles, as the runtime reports it. */
function unhandled(reason: Error): boolean {
  const promise = Promise.resolve();
  const init = { promise, reason, cancelable: true };
  return !globalThis.dispatchEvent(new PromiseRejectionEvent("unhandledrejection", init));
}

/** Signal listeners end a moment after they are removed. */
const listening = { sanitizeOps: false };

for (const [name, dispatch] of Object.entries({ uncaught, unhandled })) {
  Deno.test(`an ${name} error requests a stop, and does not end the process`, listening, () => {
    using signals = listenForStop();
    const error = new Error("boom");
    const later: unknown[] = [];
    signals.onLaterError = (error) => later.push(error);
    assert(dispatch(error), "the process would have ended");
    const another = new Error("another");
    assert(dispatch(another), "the process would have ended");
    assertEquals(later, [another]);
    assert(signals.stop.reason instanceof StopRequested);
    assertEquals(signals.stop.reason.cause, error);
    assertEquals(signals.forcedStop.aborted, false, "a second error is no second signal");
    const log = new KeptLog();
    logStops(signals, log);
    assertEquals(log.lines.length, 1, "it is logged although it came before the log");
    assert(
      log.lines[0]?.startsWith('error unexpected error: stopping in order {"error":"Error: boom'),
    );
  });
}

Deno.test("after disposing, nothing listens any more", listening, () => {
  const signals = listenForStop();
  signals[Symbol.dispose]();
  assertEquals(uncaught(new Error("boom")), false);
  assertEquals(signals.stop.aborted, false);
});

/** Sends this process signals at moments of a virtual time; what they were taken for. */
async function requests(
  ...sent: readonly (readonly [number, Deno.Signal | "error"])[]
): Promise<string[]> {
  let now = 0;
  using signals = listenForStop(() => now);
  const log = new KeptLog();
  logStops(signals, log);
  // Waiting for a signal alone does not keep the event loop running.
  const timer = setInterval(() => {}, 1_000);
  for (const [moment, name] of sent) {
    const arrived = Promise.withResolvers<void>();
    const listener = () => arrived.resolve();
    now = moment;
    if (name === "error") {
      uncaught(new Error("boom"));
      continue;
    }
    Deno.addSignalListener(name, listener);
    Deno.kill(Deno.pid, name);
    await arrived.promise;
    Deno.removeSignalListener(name, listener);
  }
  clearInterval(timer);
  return log.lines.map((line) => line.replace(/ ?{.*:/, " ").replaceAll(/["}]/g, ""));
}

Deno.test("signals within a second are one request, later ones a second", listening, async () => {
  const SECOND = "warn second stop signal: hooks are skipped, deregistering continues";
  // Deno's test runner acts on SIGINT itself.
  for (const name of ["SIGTERM", "SIGHUP"] as const) {
    assertEquals(await requests([0, name], [2, name], [999, name]), [`info stop signal ${name}`]);
    assertEquals(await requests([0, "SIGHUP"], [500, name], [1_000, name], [9_999, name]), [
      "info stop signal SIGHUP",
      `${SECOND} ${name}`,
    ]);
    const [error, ...more] = await requests([0, "error"], [5_000, name], [7_000, name]);
    assert(error?.startsWith("error unexpected error"), error);
    assertEquals(more, [`${SECOND} ${name}`], "an error is no signal");
    assertEquals((await requests([0, "error"], [5_000, name])).length, 1);
  }
});
