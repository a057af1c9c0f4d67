/** Clients' connections to the pod: they come and go for a while after a drain has begun. */
import type { Counts } from "../../lib/host/connections.ts";
import type { VirtualClock } from "./clock.ts";
import type { Tape } from "./tape.ts";

/** How clients are connected. Times in milliseconds. */
export interface ConnectionPlan {
  /** For so long after the beginning of a drain connections come. */
  readonly lastFor: number;
  /** One is open for so long, and then none for so long. */
  readonly open: number;
  readonly pause: number;
}

/** The connections to the target. */
export class SimulatedConnections {
  readonly #clock: VirtualClock;
  readonly #plan: ConnectionPlan;
  #drainBegan = Infinity;

  constructor(clock: VirtualClock, plan: ConnectionPlan) {
    this.#clock = clock;
    this.#plan = plan;
  }

  /** The target is deregistered from now on. */
  drains(): void {
    this.#drainBegan = Math.min(this.#drainBegan, this.#clock.now());
  }

  /** It is registered again. */
  serves(): void {
    this.#drainBegan = Infinity;
  }

  /** How many are open at a moment. */
  at(moment: number): number {
    const { lastFor, open, pause } = this.#plan;
    const sinceOpened = moment % (open + pause);
    if (moment - sinceOpened >= this.#drainBegan + lastFor) return 0;
    return sinceOpened < open ? 1 : 0;
  }

  /** How many have come by now. */
  get #come(): number {
    const { lastFor, open, pause } = this.#plan;
    return Math.ceil(Math.min(this.#clock.now() + 1, this.#drainBegan + lastFor) / (open + pause));
  }

  readonly follow = () => (): Counts => ({ open: this.at(this.#clock.now()), seen: this.#come });
}

/** Draws how clients are connected. */
export function drawConnections(tape: Tape): ConnectionPlan {
  return {
    lastFor: tape.choose([[1, 0], [1, 20_000], [1, 150_000]]),
    open: tape.pick([3_000, 60_000]),
    pause: tape.pick([2_000, 8_000, 25_000]),
  };
}
