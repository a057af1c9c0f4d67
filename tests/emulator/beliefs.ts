/** Where the nodes of a load balancer send new connections, which lags behind the API. */
import { probe } from "./health.ts";
import { pause } from "./pause.ts";
import type { GroupSettings } from "./settings.ts";
import { CHECK_DISABLED, DRAINING, HEALTHY, NOT_REGISTERED, UNHEALTHY } from "./states.ts";
import type { StateChange, Target, TargetState } from "./states.ts";

/** What becomes of a target that its connections may feel. */
export type TargetEvent =
  /** It fails its health checks. */
  | "unhealthy"
  /** New connections do not go there any more, for it was deregistered long enough ago. */
  | "sending-ended"
  /** Its deregistration delay is over. */
  | "deregistered";

interface Believed {
  readonly target: Target;
  health: "unknown" | "good" | "bad";
  /** Whether new connections go there by its health; `bad` comes to that late. */
  isGood: boolean;
  /** Whether the nodes take it for registered. */
  sends: boolean;
  /** Whether its deregistration delay is over. */
  gone: boolean;
  /** Ends what continues after DeregisterTargets. */
  draining: AbortController | undefined;
}

/** What the nodes believe of the targets of a group. */
export class Beliefs implements Disposable {
  readonly #settings: GroupSettings;
  readonly #onEvent: (target: Target, event: TargetEvent) => void;
  readonly #believed = new Map<string, Believed>();
  readonly #end = new AbortController();

  constructor(settings: GroupSettings, onEvent: (target: Target, event: TargetEvent) => void) {
    this.#settings = settings;
    this.#onEvent = onEvent;
  }

  /** Those that may get a new connection now: the healthy ones, or all where all fail. */
  get candidates(): readonly Target[] {
    const inService = [...this.#believed.values()].filter(({ health, sends }) =>
      sends && health !== "unknown"
    );
    const good = inService.filter(({ isGood }) => isGood);
    return (good.length > 0 ? good : inService).map(({ target }) => target);
  }

  /** Takes note of what the API has come to know. */
  follow({ target, to }: StateChange): void {
    const one = this.#of(target);
    if (to.reason === DRAINING.reason) return void this.#drain(one);
    if (to.reason === NOT_REGISTERED.reason) {
      one.gone = true;
      this.#onEvent(target, "deregistered");
      return this.#removeIfDone(one);
    }
    one.draining?.abort();
    Object.assign(one, { draining: undefined, sends: true, gone: false });
    this.#judge(one, to);
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }

  #of(target: Target): Believed {
    const key = `${target.id}:${target.port}`;
    const known = this.#believed.get(key);
    if (known !== undefined) return known;
    const flags = { health: "unknown", isGood: false, sends: true, gone: false } as const;
    const one: Believed = { target, ...flags, draining: undefined };
    this.#believed.set(key, one);
    return one;
  }

  async #judge(one: Believed, { state, reason }: TargetState): Promise<void> {
    const before = one.health;
    const isGood = state === HEALTHY.state || reason === CHECK_DISABLED.reason;
    one.health = isGood ? "good" : state === UNHEALTHY.state ? "bad" : "unknown";
    if (one.health !== "bad") one.isGood = isGood;
    if (one.health !== "bad" || before === "bad") return;
    this.#onEvent(one.target, "unhealthy");
    const { sendsAfterUnhealthy: late, timeScale } = this.#settings;
    const isOver = late === 0 || await pause(late / timeScale, this.#end.signal);
    if (isOver && one.health === "bad") one.isGood = false;
  }

  /** The nodes learn of it late, and keep checking: one that fails gets nothing even so. */
  async #drain(one: Believed): Promise<void> {
    one.draining?.abort();
    // It never got any connection, and will not begin to.
    if (one.health === "unknown") one.sends = false;
    if (!one.sends) return;
    const { sendsAfterDeregistration, timeScale } = this.#settings;
    const draining = new AbortController();
    one.draining = draining;
    const signal = AbortSignal.any([draining.signal, this.#end.signal]);
    probe(one.target, this.#settings, signal, (state) => this.#judge(one, state));
    if (!await pause(sendsAfterDeregistration / timeScale, signal)) return;
    one.sends = false;
    this.#onEvent(one.target, "sending-ended");
    this.#removeIfDone(one);
  }

  #removeIfDone(one: Believed): void {
    if (one.sends || !one.gone) return;
    one.draining?.abort();
    this.#believed.delete(`${one.target.id}:${one.target.port}`);
  }
}
