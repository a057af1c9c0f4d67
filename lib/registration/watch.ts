/** What becomes of a target while the sidecar serves: its health, and whether it stays registered. */
import type { TargetHealth } from "../aws/elb.ts";
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import { isThrottling } from "../aws/retry.ts";
import { sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { RECOVERY } from "./poll_schedule.ts";
import { membershipIn, stateOf } from "./health.ts";
import type { Registration } from "./registration.ts";

/** Parameters of the watch. */
export interface WatchOptions {
  /** `-watch-interval`; 0: only observe, and never register again. */
  readonly interval: Milliseconds;
  /** Ends the watch. */
  readonly stop: AbortSignal;
  /** Called when a target that another client deregistered is registered again. */
  readonly onReregistered: () => void;
}

/** However short `-watch-interval` is. */
const SHORTEST_WATCH: Milliseconds = 1_000;
/** How often a health that is only observed is polled: a minute old at the most. */
const SHORTEST_OBSERVATION: Milliseconds = 30_000;
const LONGEST_OBSERVATION: Milliseconds = 60_000;
/** A target that was not in service yet is polled as often as this, however often it is throttled. */
const LONGEST_WAIT: Milliseconds = 30_000;
/** Throttled or denied, the pause doubles up to this: a role may be mended while the pod runs. */
const LONGEST_PAUSE: Milliseconds = 10 * 60_000;

/** Watches one registration until the signal ends, or nothing is left to watch. Never throws. */
export async function watch(registration: Registration, options: WatchOptions): Promise<void> {
  await new Watch(registration, options).run();
}

class Watch {
  readonly #registration: Registration;
  readonly #options: WatchOptions;
  /** Undisturbed, and without jitter. */
  readonly #every: Milliseconds;
  /** What the log has said last. */
  #logged: string;
  #refusals = 0;
  #throttled = false;
  #override: string | undefined;

  constructor(registration: Registration, options: WatchOptions) {
    this.#registration = registration;
    this.#options = options;
    this.#every = options.interval === 0
      ? observationInterval(registration)
      : Math.max(SHORTEST_WATCH, options.interval);
    const { last } = registration.observation;
    this.#logged = last?.health.state ?? "";
    this.#override = last?.health.override;
  }

  async run(): Promise<void> {
    const { options: { clock, log }, fields } = this.#registration;
    const { stop } = this.#options;
    while (true) {
      await sleep(clock.within(this.#pause(clock.random()), stop));
      if (stop.aborted) return;
      const health = await this.#registration.poll({ signal: stop });
      if (stop.aborted) return;
      if (health instanceof ApiError) {
        if (isGroupNotFound(health)) {
          log.error("the target group was deleted: it is not watched any more", fields);
          return this.#registration.observationEnded("the target group was deleted");
        }
        this.#failed(health);
      } else {
        await this.#observed(health);
      }
    }
  }

  /** The sidecars of a fleet do not march in step; what is only observed is never older than told. */
  #pause(chance: number): Milliseconds {
    const jitter = this.#options.interval > 0 ? 0.5 + chance : 0.75 + chance / 4;
    const isWaiting = this.#options.interval === 0 && this.#throttled &&
      !this.#registration.observation.wasInService;
    return Math.min(
      this.#every * 2 ** this.#refusals * jitter,
      isWaiting ? LONGEST_WAIT * jitter : Math.max(LONGEST_PAUSE, this.#every),
    );
  }

  #failed(error: ApiError): void {
    this.#throttled = isThrottling(error);
    if (!error.retryable || this.#throttled) this.#refusals++;
    this.#logOnce("warn", error.message, error.code);
  }

  /** What stays the same is logged once. */
  #logOnce(level: "info" | "warn" | "error", message: string, what: string): void {
    const { options: { log }, fields } = this.#registration;
    log[this.#logged === what ? "debug" : level](message, fields);
    this.#logged = what;
  }

  async #observed(health: TargetHealth): Promise<void> {
    if (membershipIn(health) !== "registered") return await this.#deregistered();
    // All at once, a fleet that is throttled would be throttled again.
    this.#refusals = this.#options.interval > 0 ? 0 : Math.max(0, this.#refusals - RECOVERY);
    this.#logState(health);
  }

  #logState(health: TargetHealth): void {
    const { options: { log }, fields } = this.#registration;
    const { state, override } = health;
    this.#logOverride(override);
    if (state === this.#logged) return;
    if (this.#logged === "unused") {
      log.info("a listener uses target group now", { ...fields, ...stateOf(health) });
    } else if (state !== "healthy") {
      log.warn("target is not healthy", { ...fields, ...stateOf(health) });
    } else if (this.#logged === "") {
      log.info("target is in service", fields);
    } else {
      log.info("target is healthy again", { ...fields, state });
    }
    this.#logged = state;
  }

  /** An operator, or AWS, has taken the target's zone out of service, or put it back. */
  #logOverride(override: string | undefined): void {
    const { options: { log }, fields } = this.#registration;
    if (override === this.#override) return;
    this.#override = override;
    if (override === undefined) log.info("no override any more: the health decides", fields);
    else {log.warn("the target gets no new connections, whatever its health", {
        ...fields,
        override,
      });}
  }

  /** Only where that is certain: right after registering, the API may not know the target yet. */
  async #deregistered(): Promise<void> {
    const { options: { clock, log }, fields, settledAt } = this.#registration;
    const { interval, stop, onReregistered } = this.#options;
    if (clock.now() < settledAt) return;
    if (interval === 0) {
      const message =
        "another client deregistered the target; -watch-interval would register it again";
      return this.#logOnce("error", message, "deregistered");
    }
    if (this.#refusals === 0) {
      log.warn("another client deregistered the target: registering it again", fields);
    }
    try {
      await this.#registration.register(stop);
      this.#refusals = 0;
      onReregistered();
    } catch (error) {
      if (stop.aborted) return;
      this.#refusals++;
      this.#logOnce("error", `the target is not registered: ${String(error)}`, "refused");
    }
  }
}

/** Every few of the load balancer's own checks: sooner, there is seldom news. */
function observationInterval({ group }: Registration): Milliseconds {
  const few = 3_000 * group.healthCheck.intervalSeconds;
  return Math.min(LONGEST_OBSERVATION, Math.max(SHORTEST_OBSERVATION, few));
}
