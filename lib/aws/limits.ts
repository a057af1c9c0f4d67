/** Bounds the calls: how many at a time, and how long each may take. */
import { abortable } from "@std/async/abortable";
import { type Clock, isTimeout } from "../host/clock.ts";
import { around, type ElasticLoadBalancing } from "./elb.ts";
import { asApiError, REQUEST_TIMEOUT } from "./retry.ts";

/** Without it, a sidecar with a hundred groups would open a hundred connections at once. */
const CALLS_AT_A_TIME = 10;

/**
 * Limits the calls that go through a load balancer port. A call waits for one of ten slots, in
 * order; its timeout starts when it has one. A call whose time is up, its own or the signal's,
 * fails with a retryable `ApiError`; a signal that ends for another reason gives that reason.
 */
export function limited(elb: ElasticLoadBalancing, clock: Clock): ElasticLoadBalancing {
  // Calls that a stop leaves in flight must not hold back those that deregister.
  const registering = new Slots(CALLS_AT_A_TIME);
  const others = new Slots(CALLS_AT_A_TIME);
  return around(elb, async ({ call, options }, make) => {
    const { signal, timeout = REQUEST_TIMEOUT } = options;
    try {
      using _ = await (call === "RegisterTargets" ? registering : others).enter(signal);
      return await make({ ...options, signal: clock.within(timeout, signal) });
    } catch (error) {
      throw isTimeout(error) ? asApiError(error, call, timeout) : error;
    }
  });
}

/** Slots for callers, given out in the order of arrival. */
class Slots {
  #free: number;
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a slot. Dispose of it to free it.
   * @throws The signal's reason, when it ends first.
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return { [Symbol.dispose]: () => this.#leave() };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn);
    try {
      await abortable(turn.promise, signal);
    } catch (reason) {
      const place = this.#waiting.indexOf(turn);
      // A slot that came at the same moment is for the next caller.
      if (place < 0) this.#leave();
      else this.#waiting.splice(place, 1);
      throw reason;
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }
}
