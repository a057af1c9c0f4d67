/**
 * Waiting until targets that were deregistered are drained.
 *
 * An NLB keeps sending new connections for minutes after DeregisterTargets, nobody says how many,
 * and whatever the deregistration delay is (aws/containers-roadmap issue 470,
 * aws-load-balancer-controller issues 2366 and 2131). The state that the API tells follows that
 * delay: a timer, no count of connections. So a target is drained when a minimum time is over, and
 * the API or the pod's own connections say so.
 */
import type { ElasticLoadBalancing } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { backOff } from "../aws/retry.ts";
import { type Clock, sleep } from "../host/clock.ts";
import type { Counts, Endpoint } from "../host/connections.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { type Quiet, type Sample, Silence } from "./arrivals.ts";
import { deregister } from "./deregister.ts";
import { type Seen, seenIn } from "./health.ts";
import type { Registration } from "./registration.ts";
import type { Attachment, Group } from "./resolve.ts";

/** When a target is drained. */
export interface DrainRules {
  /** Since it was deregistered, at the least (`-min-drain-time`). */
  readonly minTime: Milliseconds;
  /** From now on, at the most (`-wait-drained-timeout`, or what is left of it). */
  readonly timeout: Milliseconds;
  /** For how long no connection may come and none be open, at the least, where they are seen. */
  readonly idleTime: Milliseconds;
}

/** The connections from outside the pod, as they are seen while a target drains. */
export interface Traffic {
  readonly count: () => Counts;
  /** What comes without clients. */
  readonly quiet: Quiet;
}

/** Ports and parameters of the wait. */
export interface DrainOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: DrainRules;
  /** Undefined: the connections cannot be seen, and the API's word decides. */
  readonly traffic: Traffic | undefined;
  /** Cuts the wait short. */
  readonly forcedStop: AbortSignal;
}

/** How the wait ended. */
export type DrainWaitOutcome =
  | { readonly outcome: "drained" }
  /** A target could not be deregistered again; its membership tells more. */
  | { readonly outcome: "unconfirmed" }
  /** `reason` is a whole message. */
  | { readonly outcome: "timed-out"; readonly reason: string }
  | { readonly outcome: "cut-short" };

/** How often connections are counted in the shortest silence: ten times a second by default. */
const TIMES_COUNTED = 150;
/** Between two counts so many times as long as one takes: up to 300 ms for 50,000 connections. */
const TIMES_AS_LONG = 20;
const SHORTEST_PAUSE: Milliseconds = 10;
/** How often the log tells how far a drain is. */
const TELL_EVERY: Milliseconds = 15_000;
/** How often the API is polled, once its answer may have changed. */
const POLL_EVERY: Milliseconds = 15_000;
/** The timer of a load balancer does not end to the millisecond. */
const AFTER_DELAY: Milliseconds = 1_000;
/** The pause after a target was found registered again: at first, and at the most. */
const FIRST_PAUSE: Milliseconds = 1_000;
const LONGEST_PAUSE: Milliseconds = 30_000;
/** An answer that the target is gone is checked again, when other targets took longer than this. */
const STALE: Milliseconds = 10_000;

/**
 * Waits until these targets, which were deregistered, are drained. One that another client registers
 * again is deregistered again. Never throws.
 */
export async function waitDrained(
  registrations: readonly Registration[],
  options: DrainOptions,
): Promise<DrainWaitOutcome> {
  const wait = new DrainWait(registrations, options);
  return options.traffic === undefined
    ? await wait.forApi()
    : await wait.forSilence(options.traffic);
}

class DrainWait {
  readonly options: DrainOptions;
  readonly deadline: AbortSignal;
  readonly endsAt: Milliseconds;
  readonly #registrations: readonly Registration[];
  #toldAt: Milliseconds;

  constructor(registrations: readonly Registration[], options: DrainOptions) {
    const { clock, rules, forcedStop } = options;
    const time = Math.max(0, rules.timeout);
    this.#registrations = registrations;
    this.options = options;
    this.endsAt = clock.now() + time;
    this.#toldAt = clock.now();
    this.deadline = clock.within(time, forcedStop);
  }

  /** Polls the API when its answer can have changed: after the minimum and the group's delay. */
  async forApi(): Promise<DrainWaitOutcome> {
    const { rules, log } = this.options;
    const drains = await Promise.all(this.#registrations.map(async (registration) => ({
      registration,
      delay: await this.#delayOf(registration.group),
    })));
    const known = drains.flatMap(({ delay }) => delay ?? []);
    const longest = known.length === 0 ? undefined : Math.max(...known);
    log.info("waiting until the target is drained", {
      at_least: durationText(rules.minTime),
      deregistration_delay: longest === undefined ? "unknown" : durationText(longest),
      at_most: durationText(rules.timeout),
    });
    this.#warnIfTooShort(Math.max(rules.minTime, longest ?? 0));
    return await this.#untilAllAbsent(
      drains.map(({ registration, delay = -AFTER_DELAY }) =>
        new TargetDrain(registration, this, Math.max(rules.minTime, delay + AFTER_DELAY))
      ),
    );
  }

  /** Counts until no client comes any more; one poll then tells of other clients. */
  async forSilence({ count, quiet }: Traffic): Promise<DrainWaitOutcome> {
    const { clock, rules, log } = this.options;
    const each = this.#registrations.map((one) => new TargetDrain(one, this, rules.minTime));
    const sample = () => {
      const at = clock.now();
      const seen = count();
      const took = clock.now() - at;
      const pause = Math.max(rules.idleTime / TIMES_COUNTED, TIMES_AS_LONG * took, SHORTEST_PAUSE);
      return { at, counts: seen, pause };
    };
    const first = sample();
    log.info("waiting until the target is drained and no connection is left", {
      connections: first.counts.open,
      at_least: durationText(rules.minTime),
      idle_time: durationText(rules.idleTime),
      at_most: durationText(rules.timeout),
    });
    const silence = new Silence(rules.idleTime, quiet, first);
    while (true) {
      const last = sample();
      silence.take(last);
      if (silence.isOver && this.#elapsed() >= rules.minTime) {
        const polls = Promise.all(each.map((one) => one.deregisterIfRegistered()));
        const isStillOver = await this.#isOverUntil(polls, silence, sample);
        const results = await polls;
        const failed = results.find((result) => typeof result === "object");
        if (failed !== undefined) return this.#timedOut(failed.timedOut);
        if (results.includes("unconfirmed")) return { outcome: "unconfirmed" };
        if (isStillOver && !results.includes("again")) return this.#drained();
      }
      const state = stateOf(last.counts.open, silence);
      if (this.deadline.aborted) return this.#timedOut(state);
      this.report(state);
      await sleep(clock.within(last.pause, this.deadline));
    }
  }

  /** Counts on until some work is done: whether no client came or was connected all the time. */
  async #isOverUntil(
    work: Promise<unknown>,
    silence: Silence,
    sample: () => Sample & { readonly pause: Milliseconds },
  ): Promise<boolean> {
    const { clock } = this.options;
    const done = new AbortController();
    work.finally(() => done.abort());
    let isOver = true;
    while (!done.signal.aborted) {
      const next = sample();
      silence.take(next);
      isOver &&= silence.isOver;
      await sleep(clock.within(next.pause, done.signal));
    }
    return isOver;
  }

  /** While one target drains, another client may register another one again: all are gone at once. */
  async #untilAllAbsent(each: readonly TargetDrain[]): Promise<DrainWaitOutcome> {
    const { clock } = this.options;
    let pending = each;
    for (let round = 1;; round++) {
      const results = await Promise.all(pending.map((one) => one.untilAbsent()));
      const failed = results.find((result) => typeof result === "object");
      if (failed !== undefined) return this.#timedOut(failed.timedOut);
      if (results.includes("unconfirmed")) return { outcome: "unconfirmed" };
      pending = each.filter(({ seenAt }) => clock.now() - seenAt >= STALE);
      // However slow the API: polled once more, and nothing was registered again meanwhile.
      const isChecked = round > 1 && !results.includes("again");
      if (pending.length === 0 || isChecked) return this.#drained();
    }
  }

  #warnIfTooShort(needed: Milliseconds): void {
    const { clock, log, rules } = this.options;
    if (this.#elapsed() + this.endsAt - clock.now() >= needed) return;
    log.warn("the wait for the drain ends before the target can be drained", {
      at_most: durationText(rules.timeout),
      needed: durationText(needed),
    });
  }

  /** The group's deregistration delay; undefined where it may not be read. */
  async #delayOf(group: Group): Promise<Milliseconds | undefined> {
    const { elb, log } = this.options;
    try {
      const attributes = await elb.groupAttributes(group.arn, { signal: this.deadline });
      return attributes.deregistrationDelay;
    } catch (error) {
      log.info("the deregistration delay is unknown; polling the target's health instead", {
        target_group: group.name,
        reason: error instanceof Error ? error.message : String(error),
      });
      return undefined;
    }
  }

  /** Since the last target was deregistered. */
  #elapsed(): Milliseconds {
    return this.options.clock.now() - drainingSince(this.#registrations);
  }

  report(state: string): void {
    const { clock, log, rules } = this.options;
    if (clock.now() - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = clock.now();
    const [done, atLeast] = [this.#elapsed(), rules.minTime].map(durationText);
    log.info(`waiting until the target is drained: ${state}, ${done} of at least ${atLeast}`);
  }

  #drained(): DrainWaitOutcome {
    this.options.log.info("target drained", { took: durationText(this.#elapsed()) });
    for (const registration of this.#registrations) registration.membership = { at: "absent" };
    return { outcome: "drained" };
  }

  #timedOut(state: string): DrainWaitOutcome {
    if (this.options.forcedStop.aborted) return { outcome: "cut-short" };
    return {
      outcome: "timed-out",
      reason: `the target is deregistered, but not drained after ${
        durationText(this.#elapsed())
      }: ${state}`,
    };
  }
}

/** What became of one target; `again`: gone, after it had to be deregistered again. */
type TargetDrainResult = "absent" | "again" | "unconfirmed" | { readonly timedOut: string };

/** The drain of one target, as the API tells of it. */
class TargetDrain {
  readonly #registration: Registration;
  readonly #wait: DrainWait;
  /** Since the target was deregistered; sooner, the API has no news. */
  readonly #earliest: Milliseconds;
  #pause = FIRST_PAUSE;
  /** When the request went out whose answer said that the target is gone. */
  seenAt: Milliseconds = -Infinity;

  constructor(registration: Registration, wait: DrainWait, earliest: Milliseconds) {
    this.#registration = registration;
    this.#wait = wait;
    this.#earliest = earliest;
  }

  /** Polls until the target is gone; deregisters it again where another client has registered it. */
  async untilAbsent(): Promise<TargetDrainResult> {
    const { options: { clock, log }, deadline, endsAt } = this.#wait;
    const { group } = this.#registration;
    let last = `the deregistration delay of ${group.name} is not over`;
    let errors = 0;
    let end: "absent" | "again" = "absent";
    await this.#untilEarliest();
    while (!deadline.aborted) {
      const { seen, polledAt } = await this.#poll();
      let pause = POLL_EVERY * (0.75 + clock.random() / 4);
      if (seen instanceof ApiError) {
        // An error that the end of the wait made tells less than what was known before.
        if (deadline.aborted) break;
        last = seen.message;
        log.warn(seen.message, { target_group: group.name, attempt: ++errors });
        if (!seen.retryable) return { timedOut: last };
        pause = backOff(seen, { failedBefore: errors, left: endsAt - polledAt }, clock);
      } else if (seen === "registered") {
        if (!await this.#deregisterAgain()) return "unconfirmed";
        end = "again";
        await this.#untilEarliest();
        continue;
      } else if (seen === "absent" && polledAt >= this.#registration.settledAt) {
        this.seenAt = polledAt;
        return end;
      } else {
        last = `${group.name} says that it is draining`;
      }
      this.#wait.report(last);
      await sleep(clock.within(pause, deadline));
    }
    return { timedOut: last };
  }

  /**
   * Polls until there is an answer. A denied call proves nothing against it: the target was
   * deregistered, and that was confirmed.
   */
  async deregisterIfRegistered(): Promise<TargetDrainResult> {
    const { options: { clock }, deadline, endsAt } = this.#wait;
    for (let failedBefore = 0;; failedBefore++) {
      const { seen } = await this.#poll();
      if (seen === "registered") return await this.#deregisterAgain() ? "again" : "unconfirmed";
      if (!(seen instanceof ApiError) || !seen.retryable) return "absent";
      if (deadline.aborted) return { timedOut: seen.message };
      const pause = backOff(seen, { failedBefore, left: endsAt - clock.now() }, clock);
      await sleep(clock.within(pause, deadline));
    }
  }

  /** `polledAt` is when the request went out: before that, it may have waited for its turn. */
  async #poll(): Promise<{ seen: Seen | ApiError; polledAt: Milliseconds }> {
    const { options: { clock }, deadline } = this.#wait;
    let polledAt = clock.now();
    const onSend = () => polledAt = clock.now();
    const polled = await this.#registration.poll({ signal: deadline, onSend });
    return { seen: seenIn(polled), polledAt };
  }

  /** Each time after a longer pause: it may be done by something that does not give up. */
  async #deregisterAgain(): Promise<boolean> {
    const { options: { clock, log }, deadline } = this.#wait;
    log.warn(
      "another client registered the target while it drained: deregistering it again",
      this.#registration.fields,
    );
    this.#registration.membership = { at: "registered" };
    await deregister(this.#registration);
    if (this.#registration.mayBeRegistered) return false;
    await sleep(clock.within(this.#pause, deadline));
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    return true;
  }

  /** Reports on the way: a drain may take minutes, and a client waits for it. */
  async #untilEarliest(): Promise<void> {
    const { options: { clock }, deadline } = this.#wait;
    while (!deadline.aborted) {
      const left = drainingSince([this.#registration]) + this.#earliest - clock.now();
      if (!(left > 0)) return;
      await sleep(clock.within(Math.min(left, TELL_EVERY), deadline));
      this.#wait.report("draining");
    }
  }
}

/** When the last of these targets was deregistered; `-Infinity` where none is draining. */
export function drainingSince(registrations: readonly Registration[]): Milliseconds {
  return Math.max(
    ...registrations.map(({ membership }) =>
      membership.at === "draining" ? membership.since : -Infinity
    ),
  );
}

/** What holds a drain up. */
function stateOf(open: number, { sinceArrival, needed }: Silence): string {
  if (open > 0) return open === 1 ? "1 connection left" : `${open} connections left`;
  const [since, of] = [sinceArrival, needed].map(durationText);
  return `no connection left, and the last one came ${since} ago (needed: ${of})`;
}

/** Where the targets get connections; one may have another port in each group. */
export function endpoints(
  attachments: readonly Attachment[],
): readonly Endpoint[] {
  const each = attachments.flatMap(({ group, target }) => {
    const port = target.port ?? group.port;
    return port === undefined ? [] : [{ id: target.id, port }];
  });
  return each.filter((one, at) =>
    !each.slice(0, at).some(({ id, port }) => id === one.id && port === one.port)
  );
}
