/** Waiting that a signal can end. */

/** Waits for so many milliseconds; false if the signal ended the wait. */
export function pause(time: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => end(true), time);
  const onAbort = () => end(false);
  signal.addEventListener("abort", onAbort, { once: true });
  return promise;

  function end(elapsed: boolean) {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    resolve(elapsed);
  }
}

/** Waits for the promise; false if the signal ended the wait. */
export async function until(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise: aborted, resolve } = Promise.withResolvers<false>();
  const onAbort = () => resolve(false);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise.then(() => true), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
