/** Where the nodes of a load balancer send new connections, which lags behind the API. */
import { probe } from "./health.ts";
import { pause } from "./pause.ts";
import type { GroupSettings } from "./settings.ts";
import { CHECK_DISABLED, DRAINING, HEALTHY, NOT_REGISTERED, UNHEALTHY } from "./states.ts";
import type { StateChange, Target, TargetState } from "./states.ts";

interface Believed {
  readonly target: Target;
  health: "unknown" | "good" | "bad";
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
  readonly #onUnhealthy: (target: Target) => void;
  readonly #believed = new Map<string, Believed>();
  readonly #end = new AbortController();

  constructor(settings: GroupSettings, onUnhealthy: (target: Target) => void) {
    this.#settings = settings;
    this.#onUnhealthy = onUnhealthy;
  }

  /** Those that may get a new connection now: the healthy ones, or all where all fail. */
  get candidates(): readonly Target[] {
    const inService = [...this.#believed.values()].filter(({ health, sends }) =>
      sends && health !== "unknown"
    );
    const good = inService.filter(({ health }) => health === "good");
    return (good.length > 0 ? good : inService).map(({ target }) => target);
  }

  /** Takes note of what the API has come to know. */
  follow({ target, to }: StateChange): void {
    const one = this.#of(target);
    if (to.reason === DRAINING.reason) return void this.#drain(one);
    if (to.reason === NOT_REGISTERED.reason) {
      one.gone = true;
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
    const flags = { health: "unknown", sends: true, gone: false } as const;
    const one: Believed = { target, ...flags, draining: undefined };
    this.#believed.set(key, one);
    return one;
  }

  #judge(one: Believed, { state, reason }: TargetState): void {
    const before = one.health;
    const isGood = state === HEALTHY.state || reason === CHECK_DISABLED.reason;
    one.health = isGood ? "good" : state === UNHEALTHY.state ? "bad" : "unknown";
    if (one.health === "bad" && before !== "bad") this.#onUnhealthy(one.target);
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
    this.#removeIfDone(one);
  }

  #removeIfDone(one: Believed): void {
    if (one.sends || !one.gone) return;
    one.draining?.abort();
    this.#believed.delete(`${one.target.id}:${one.target.port}`);
  }
}
