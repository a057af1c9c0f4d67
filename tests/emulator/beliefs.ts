/** Where the nodes of a load balancer send new connections, which lags behind the API. */
import { probe } from "./health.ts";
import type { StateChange } from "./groups.ts";
import { pause } from "./pause.ts";
import type { GroupSettings } from "./settings.ts";
import { CHECK_DISABLED, DRAINING, HEALTHY, NOT_REGISTERED, UNHEALTHY } from "./states.ts";
import type { Target, TargetState } from "./states.ts";

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
  /** Whether the nodes take it for registered. */
  sends: boolean;
  /** Whether its deregistration delay is over. */
  gone: boolean;
  /** Ends what goes on after DeregisterTargets. */
  leaving: AbortController | undefined;
}

/** What the nodes believe of the targets of a group. */
export class Beliefs implements Disposable {
  readonly #settings: GroupSettings;
  readonly #onEvent: (target: Target, event: TargetEvent) => void;
  readonly #believed = new Map<string, Believed>();

  constructor(settings: GroupSettings, onEvent: (target: Target, event: TargetEvent) => void) {
    this.#settings = settings;
    this.#onEvent = onEvent;
  }

  /** Those that may get a new connection now: the healthy ones, or all where all fail. */
  get candidates(): readonly Target[] {
    const inService = [...this.#believed.values()].filter(({ health, sends }) =>
      sends && health !== "unknown"
    );
    const healthy = inService.filter(({ health }) => health === "good");
    return (healthy.length > 0 ? healthy : inService).map(({ target }) => target);
  }

  /** Takes note of what the API has come to know. */
  follow({ target, to }: StateChange): void {
    const one = this.#of(target);
    if (to.reason === DRAINING.reason) return void this.#leave(one);
    if (to.reason === NOT_REGISTERED.reason) return this.#forget(one);
    one.leaving?.abort();
    one.leaving = undefined;
    one.sends = true;
    one.gone = false;
    this.#judge(one, to);
  }

  [Symbol.dispose](): void {
    for (const { leaving } of this.#believed.values()) leaving?.abort();
  }

  #of(target: Target): Believed {
    const key = `${target.id}:${target.port}`;
    const known = this.#believed.get(key);
    if (known !== undefined) return known;
    const one: Believed = {
      target,
      health: "unknown",
      sends: true,
      gone: false,
      leaving: undefined,
    };
    this.#believed.set(key, one);
    return one;
  }

  #judge(one: Believed, { state, reason }: TargetState): void {
    const before = one.health;
    const good = state === HEALTHY.state || reason === CHECK_DISABLED.reason;
    one.health = good ? "good" : state === UNHEALTHY.state ? "bad" : "unknown";
    if (one.health === "bad" && before !== "bad") this.#onEvent(one.target, "unhealthy");
  }

  /** The nodes learn of it late, and go on checking: one that fails gets nothing even so. */
  async #leave(one: Believed): Promise<void> {
    one.leaving?.abort();
    // It never got any connection, and will not begin to.
    if (one.health === "unknown") one.sends = false;
    if (!one.sends) return;
    const { sendsAfterDeregistration, timeScale } = this.#settings;
    const leaving = new AbortController();
    one.leaving = leaving;
    probe(one.target, this.#settings, leaving.signal, (state) => this.#judge(one, state));
    if (!await pause(sendsAfterDeregistration / timeScale, leaving.signal)) return;
    one.sends = false;
    this.#onEvent(one.target, "sending-ended");
    this.#removeIfDone(one);
  }

  #forget(one: Believed): void {
    one.gone = true;
    this.#onEvent(one.target, "deregistered");
    this.#removeIfDone(one);
  }

  #removeIfDone(one: Believed): void {
    if (one.sends || !one.gone) return;
    one.leaving?.abort();
    this.#believed.delete(`${one.target.id}:${one.target.port}`);
  }
}
