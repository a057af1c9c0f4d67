/** What each step of a cycle does. In which order they come is told by `sidecar.ts`. */
import { abortable } from "@std/async/abortable";
import { ApiError } from "../aws/errors.ts";
import type { Config } from "../config/config.ts";
import { RESERVE } from "../config/flags.ts";
import type { HookEvent, HookOutcome, TargetState } from "../hooks/hook.ts";
import { sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import type { GracePeriod } from "../registration/grace_period.ts";
import { resolveGroups } from "../registration/resolve.ts";
import { waitInService } from "../registration/in_service.ts";
import { Registration } from "../registration/registration.ts";
import { watch } from "../registration/watch.ts";
import type { Entry } from "./board.ts";
import { Leaving } from "./deregistering.ts";
import type { Ports } from "./ports.ts";

/** What is kept back of a grace period when the last hook ends. */
const EXIT_RESERVE: Milliseconds = 1_000;

/** The steps of a life's cycles. A step that `stop` ends throws its reason. */
export class Steps {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #grace: GracePeriod;
  #entries: readonly Entry[] = [];
  #registrations: readonly Registration[] = [];
  readonly #leaving: Leaving;
  /** Ends when nothing of the post-register hook runs any more. */
  #hookEnd: Promise<unknown> = Promise.resolve();

  constructor(config: Config, ports: Ports, grace: GracePeriod) {
    this.#config = config;
    this.#ports = ports;
    this.#grace = grace;
    this.#leaving = new Leaving(() => this.#registrations, { config, ports, grace });
  }

  get registrations(): readonly Registration[] {
    return this.#registrations;
  }

  /** The end of all registrations. */
  get leaving(): Leaving {
    return this.#leaving;
  }

  /** Once in a life: a group's ARN does not change. @throws {Failure} */
  async resolve(stop: AbortSignal): Promise<void> {
    if (this.#registrations.length > 0) return;
    const { elb, clock, log, board } = this.#ports;
    const { groups, target, timeouts, api } = this.#config;
    board.enter("resolving");
    const attachments = await resolveGroups(groups, target, {
      ...{ elb, clock, log, stop },
      time: timeouts.resolve,
      region: api.region,
    });
    this.#entries = board.show(attachments);
    const grace = this.#grace;
    this.#registrations = this.#entries.map((entry) =>
      new Registration(entry.attachment, {
        ...{ elb, clock, log, times: timeouts, grace },
        onKnown: (known) => entry.membership = known,
      })
    );
  }

  /** @throws {Failure} */
  async waitForApplication(stop: AbortSignal): Promise<void> {
    this.#ports.board.enter("waiting-for-application");
    await this.#ports.application.wait(stop);
    stop.throwIfAborted();
  }

  /** Fails closed. @throws {Failure} */
  async preRegister(stop: AbortSignal): Promise<void> {
    const result = await this.#hook("pre-register", stop);
    stop.throwIfAborted();
    if (result.outcome === "succeeded") return;
    const why = result.outcome === "failed"
      ? result.reason
      : `its time (-pre-register-timeout ${
        durationText(this.#config.hooks["pre-register"].timeout)
      }) was up`;
    throw new Failure("preRegisterRefused", `not registered: the pre-register hook failed: ${why}`);
  }

  /** All groups side by side; one that fails ends the attempts for the others. */
  async register(stop: AbortSignal): Promise<void> {
    this.#ports.board.enter("registering");
    const givenUp = new AbortController();
    const attempts = this.#registrations.map((registration) =>
      registration.register(stop, givenUp.signal)
    );
    try {
      await Promise.all(attempts);
    } catch (reason) {
      givenUp.abort(reason);
      await Promise.allSettled(attempts);
      if (!(reason instanceof ApiError)) throw reason;
      const waited = reason.retryable
        ? ` (tried for ${durationText(this.#config.timeouts.register)}, -register-timeout)`
        : "";
      throw new Failure("notRegistered", `not registered: ${reason.message}${waited}`);
    }
  }

  /** @throws {Failure} It is not in service, where that is required. */
  async waitInService(stop: AbortSignal): Promise<void> {
    const { wait, timeout, required } = this.#config.inService;
    if (!wait) return;
    const { elb, clock, log, board } = this.#ports;
    board.enter("waiting-in-service");
    const options = { elb, clock, log, time: timeout, stop };
    const faults = await Promise.all(this.#entries.map((entry) => {
      const { group, target } = entry.attachment;
      return waitInService(group, target, { ...options, onHealth: (seen) => entry.saw(seen) });
    }));
    const fault = faults.find((fault) => fault !== undefined);
    if (fault === undefined) return;
    if (required) {
      throw new Failure("notRegistered", `not in service (-require-in-service): ${fault}`);
    }
    log.warn(`not in service; the sidecar goes on all the same: ${fault}`);
  }

  /** A stop does not wait for the hook to end: that goes on beside deregistering. */
  async postRegister(stop: AbortSignal): Promise<void> {
    this.#hookEnd = this.#hook("post-register", stop);
    await abortable(this.#hookEnd, stop);
    stop.throwIfAborted();
  }

  /** Idle, but for the watch, until `stop`. */
  async serve(stop: AbortSignal): Promise<void> {
    const { log, board, rest } = this.#ports;
    board.enter("serving");
    log.info("serving until a stop signal comes");
    const watches = Promise.all(
      this.#registrations.map((registration, at) => this.#watch(registration, { at, stop })),
    );
    rest?.();
    await sleep(stop);
    await watches;
  }

  /** Runs also where it is not known whether the target was deregistered. */
  async preDeregister(): Promise<void> {
    await this.#hook("pre-deregister", this.#ports.signals.forcedStop);
  }

  async postDeregister(): Promise<void> {
    await this.#hookEnd;
    await this.#hook("post-deregister", this.#ports.signals.forcedStop);
  }

  async #watch(
    registration: Registration,
    { at, stop }: { at: number; stop: AbortSignal },
  ): Promise<void> {
    const { elb, clock, log, observer } = this.#ports;
    const { watchInterval: interval, service } = this.#config;
    const entry = this.#entries[at];
    // Without an interval, /readyz alone wants to know, and only until the first good answer.
    const isKnown = entry?.health?.state === "healthy";
    if (interval === 0 && (service === undefined || isKnown)) return;
    await watch(registration, {
      ...{ elb, clock, log, interval, stop },
      known: entry?.health,
      onHealth: (health) => entry?.saw(health),
      onReregistered: () => observer?.onReregistered?.(registration.group.arn),
      onEnded: (reason) => entry?.failed(reason),
    });
  }

  async #hook(event: HookEvent, signal: AbortSignal): Promise<HookOutcome> {
    const { board, hooks, clock } = this.#ports;
    if (signal.aborted) return { outcome: "cut-short" };
    board.enter(event);
    const { timeout } = this.#config.hooks[event];
    const left = this.#grace.clip(timeout, event === "post-deregister" ? EXIT_RESERVE : RESERVE);
    return await hooks.run({
      event,
      targetId: [...new Set(this.#registrations.map(({ target }) => target.id))].join(","),
      targetGroupArns: this.#registrations.map(({ group }) => group.arn),
      state: stateOf(this.#entries),
    }, left < timeout ? clock.within(left, signal) : signal);
  }
}

/** What the answers so far say of the target, taken over all groups. */
function stateOf(entries: readonly Entry[]): TargetState {
  const all = (fits: (entry: Entry) => boolean) => entries.every(fits);
  if (all(({ membership }) => membership === "absent")) return "not-registered";
  if (!all(({ membership }) => membership === "registered")) return "unknown";
  return all(({ health }) => health?.state === "healthy") ? "in-service" : "registered";
}
