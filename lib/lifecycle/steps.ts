/** What each step does. `lifecycle.ts` says in which order they come. */
import { abortable } from "@std/async/abortable";
import { ApiError } from "../aws/errors.ts";
import type { Config } from "../config/config.ts";
import { RESERVE } from "../config/flags.ts";
import type { HookContext, HookEvent, HookOutcome } from "../hooks/hook.ts";
import { followedBy, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import { Quiet } from "../registration/arrivals.ts";
import { deregister } from "../registration/deregister.ts";
import {
  drainingSince,
  type DrainWaitOutcome,
  endpoints,
  type Traffic,
  waitDrained,
} from "../registration/drain.ts";
import { waitInService } from "../registration/in_service.ts";
import { quicServerId } from "../registration/quic.ts";
import { Registration } from "../registration/registration.ts";
import { isTcp, resolveGroups, unseenTraffic } from "../registration/resolve.ts";
import { watch } from "../registration/watch.ts";
import { type Clip, clipTo } from "./grace_period.ts";
import { type DrainOutcome, unconfirmed } from "./outcome.ts";
import type { Ports } from "./ports.ts";

/** What is kept back of a grace period when the last hook ends. */
const EXIT_RESERVE: Milliseconds = 1_000;

/** For finding the groups of a drain that is to be continued, once a stop signal came. */
const TAKE_OVER_TIME: Milliseconds = 30_000;

const CUT_SHORT: DrainOutcome = {
  outcome: "failed",
  reason: "a second stop signal ended the wait: the target is deregistered, perhaps not drained",
};

/** The steps. One that `stop` ends throws its reason. */
export class Steps {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #clip: Clip;
  /** What the registration cycle has come to, as far as the post-deregister hook is concerned. */
  #end: "nothing registered" | "deregistered" | "hook ran" = "nothing registered";
  /** The target's connections, where `-wait-idle` can see them. */
  #traffic: Traffic | undefined;
  /** Ends when nothing of the post-register hook runs any more. */
  #hookEnd: Promise<unknown> = Promise.resolve();

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#clip = clipTo(config.gracePeriod, ports);
  }

  get #registrations(): readonly Registration[] {
    return this.#ports.progress.registrations;
  }

  /** Another registration cycle begins. */
  begin(): void {
    this.#end = "nothing registered";
    this.#ports.progress.begin();
  }

  /** Once in a lifecycle: a group's ARN does not change. @throws {Failure} */
  async resolve(stop: AbortSignal): Promise<void> {
    const { elb, clock, log, progress } = this.#ports;
    if (progress.registrations.length > 0) return;
    const { groups, target, timeouts, api } = this.#config;
    progress.enter("resolving");
    const attachments = await resolveGroups(groups, target, {
      ...{ elb, clock, log, stop },
      time: timeouts.resolve,
      region: api.region,
    });
    const { intent } = this.#ports;
    const { forcedStop } = intent;
    const graceBegins = () => intent.graceBegins;
    const onPolled = () => this.#followQuiet();
    const options = {
      ...{ elb, clock, log, times: timeouts, clip: this.#clip, forcedStop, graceBegins, onPolled },
      whenUnused: this.#config.inService.whenUnused,
    };
    progress.registrations = attachments.map((one) => new Registration(one, options));
    const { connections } = this.#ports;
    const each = endpoints(attachments);
    if (!this.#config.drain.idle || connections === undefined || each.length === 0) return;
    const unseen = attachments.find(({ group }) => !isTcp(group));
    if (unseen !== undefined) return log.warn(unseenTraffic(unseen.group));
    this.#traffic = { count: connections(each), quiet: new Quiet() };
  }

  /** Continues a drain: a process before this one was killed in it. @throws {Failure} */
  async takeOver(): Promise<void> {
    await this.resolve(this.#endOfTakeOver());
    this.#ports.log.info("the sidecar was killed during a drain: continuing it");
    for (const registration of this.#registrations) {
      registration.takeOver("the sidecar was killed during a drain");
    }
  }

  /** After a stop the pod does not last much longer. */
  #endOfTakeOver(): AbortSignal {
    const { intent, clock } = this.#ports;
    return followedBy(
      intent.whileIn("serving", "draining", "drained", "returning"),
      () => clock.within(this.#clip(TAKE_OVER_TIME), intent.forcedStop),
    );
  }

  /** @throws {Failure} */
  async waitForApplication(stop: AbortSignal): Promise<void> {
    this.#ports.progress.enter("waiting-for-application");
    await this.#ports.application.wait(stop);
    stop.throwIfAborted();
  }

  /** Fails closed. @throws {Failure} */
  async preRegister(stop: AbortSignal): Promise<void> {
    // One from a file is read as late as possible: the hook may write it.
    if (this.#config.target.quicServerId?.by !== "file") this.#findServerIds();
    const result = await this.#hook("pre-register", stop);
    stop.throwIfAborted();
    if (result.outcome === "succeeded") return;
    const why = result.outcome === "failed"
      ? result.reason
      : `it timed out (-pre-register-timeout ${
        durationText(this.#config.hooks["pre-register"].timeout)
      })`;
    throw new Failure("preRegisterRefused", `not registered: the pre-register hook failed: ${why}`);
  }

  /** All groups side by side; one that fails ends the attempts for the others. */
  async register(stop: AbortSignal): Promise<void> {
    this.#ports.progress.enter("registering");
    this.#findServerIds();
    const givenUp = new AbortController();
    const attempts = this.#registrations.map((one) => one.register(stop, givenUp.signal));
    try {
      await Promise.all(attempts);
    } catch (reason) {
      givenUp.abort(reason);
      await Promise.allSettled(attempts);
      if (!(reason instanceof ApiError)) throw reason;
      const { register } = this.#config.timeouts;
      const waited = reason.retryable && register < Infinity
        ? ` (tried for ${durationText(register)}, -register-timeout)`
        : "";
      throw new Failure("notRegistered", `not registered: ${reason.message}${waited}`);
    }
  }

  /** @throws {Failure} A file has none. */
  #findServerIds(): void {
    const { quicServerId: from } = this.#config.target;
    if (from === undefined) return;
    for (const one of this.#registrations) one.quicServerId = quicServerId(one, from);
  }

  /** @throws {Failure} It is not in service, where that is required. */
  async waitInService(stop: AbortSignal): Promise<void> {
    const { wait, timeout, required } = this.#config.inService;
    if (!wait) return;
    const { log, progress } = this.#ports;
    progress.enter("waiting-in-service");
    const errors = await Promise.all(
      this.#registrations.map((one) => waitInService(one, timeout, stop)),
    );
    const error = errors.find((error) => error !== undefined);
    if (error === undefined) return;
    if (required) {
      throw new Failure("notRegistered", `not in service (-require-in-service): ${error}`);
    }
    log.warn(`target not in service; continuing: ${error}`);
  }

  /** A stop does not wait for the hook to end: it ends beside deregistering. */
  async postRegister(stop: AbortSignal): Promise<void> {
    this.#hookEnd = this.#hook("post-register", stop);
    await abortable(this.#hookEnd, stop);
    stop.throwIfAborted();
  }

  /** Idle, but for the watch, until `stop`. */
  async serve(stop: AbortSignal): Promise<void> {
    const { log, progress, onIdle } = this.#ports;
    progress.enter("serving");
    log.info("serving until a stop signal comes");
    const watches = Promise.all(this.#registrations.map((one) => this.#watch(one, stop)));
    onIdle?.();
    await sleep(stop);
    await watches;
  }

  async preDeregister(): Promise<void> {
    await this.#hook("pre-deregister", this.#ports.intent.forcedStop);
  }

  /**
   * Deregisters whatever may be registered, all groups side by side: one that hangs does not hold
   * back the others. Never throws; the memberships tell what came of it.
   */
  async deregister(): Promise<void> {
    const left = this.#registrations.filter(({ mayBeRegistered }) => mayBeRegistered);
    if (left.length === 0) return;
    this.#ports.progress.enter("deregistering");
    if (this.#end === "nothing registered") this.#end = "deregistered";
    await Promise.all(left.map(deregister));
  }

  /** Whether this registration cycle had anything to deregister. */
  get hasDeregistered(): boolean {
    return this.#end !== "nothing registered";
  }

  /** Waits until every target that was deregistered is drained, whichever registration cycle added it. */
  async untilDrained(): Promise<DrainOutcome> {
    const { progress, intent, log, observer } = this.#ports;
    const left = unconfirmed(this.#registrations);
    if (left !== undefined) {
      observer?.onDrainWaited?.("unconfirmed");
      return { outcome: "failed", reason: left.message };
    }
    const draining = this.#registrations.filter(({ membership }) => membership.at === "draining");
    if (draining.length === 0) return { outcome: "drained" };
    if (intent.forcedStop.aborted) {
      observer?.onDrainWaited?.("cut-short");
      return CUT_SHORT;
    }
    progress.enter("draining");
    progress.drain = { since: drainingSince(draining), done: false };
    const result = await this.#waitDrained(draining);
    observer?.onDrainWaited?.(result.outcome);
    switch (result.outcome) {
      case "drained":
        progress.drain = { ...progress.drain, done: true };
        return { outcome: "drained" };
      case "cut-short":
        return CUT_SHORT;
      case "timed-out":
        log.warn(result.reason);
        return { outcome: "failed", reason: result.reason };
      case "unconfirmed":
        return { outcome: "failed", reason: unconfirmed(this.#registrations)?.message ?? "" };
    }
  }

  /** Once in a registration cycle that had anything to deregister. */
  async postDeregister(): Promise<void> {
    await this.#hookEnd;
    if (this.#end !== "deregistered") return;
    this.#end = "hook ran";
    await this.#hook("post-deregister", this.#ports.intent.forcedStop);
  }

  async #waitDrained(draining: readonly Registration[]): Promise<DrainWaitOutcome> {
    const { elb, clock, log, intent } = this.#ports;
    const { minTime, idleTime, timeout } = this.#config.drain;
    return await waitDrained(draining, {
      ...{ elb, clock, log, forcedStop: intent.forcedStop },
      rules: { minTime, idleTime, timeout: this.#clip(timeout) },
      traffic: this.#traffic,
    });
  }

  /** Until all are healthy, the load balancer sends nobody to one that is not. */
  #followQuiet(): void {
    const { progress, clock } = this.#ports;
    if (this.#traffic === undefined || progress.phase !== "waiting-in-service") return;
    const { count, quiet } = this.#traffic;
    const isOut = this.#registrations.every(({ observation }) =>
      observation.last?.health.state !== "healthy"
    );
    if (isOut) quiet.outOfService({ at: clock.now(), counts: count() });
    else quiet.inService();
  }

  async #watch(registration: Registration, stop: AbortSignal): Promise<void> {
    const { watchInterval: interval, service } = this.#config;
    // No one would see it.
    if (interval === 0 && service === undefined) return;
    const { observer } = this.#ports;
    await watch(registration, {
      interval,
      stop,
      onReregistered: () => observer?.onReregistered?.(registration.group.arn),
    });
  }

  async #hook(event: HookEvent, signal: AbortSignal): Promise<HookOutcome> {
    const { progress, hooks } = this.#ports;
    if (signal.aborted) return { outcome: "cut-short" };
    progress.enter(event);
    const reserve = event === "post-deregister" ? EXIT_RESERVE : RESERVE;
    const ids = this.#registrations.flatMap(({ quicServerId }) => quicServerId ?? []);
    return await hooks.run({
      event,
      timeout: this.#clip(this.#config.hooks[event].timeout, reserve),
      targetId: [...new Set(this.#registrations.map(({ target }) => target.id))].join(","),
      targetGroupArns: this.#registrations.map(({ group }) => group.arn),
      ...(ids.length > 0 && { quicServerIds: ids }),
      state: stateOf(this.#registrations),
    }, signal);
  }
}

/** What hooks get to know of the target, taken over all groups. */
function stateOf(registrations: readonly Registration[]): HookContext["state"] {
  const all = (fits: (registration: Registration) => boolean) => registrations.every(fits);
  if (all(({ membership: { at } }) => at === "absent" || at === "draining")) {
    return "not-registered";
  }
  if (!all(({ membership }) => membership.at === "registered")) return "unknown";
  return all(({ observation }) => observation.last?.health.state === "healthy")
    ? "in-service"
    : "registered";
}
