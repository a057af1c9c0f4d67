/**
 * Waiting until the load balancer has really let go of a target.
 *
 * An NLB keeps sending new connections for about two minutes after DeregisterTargets, whatever the
 * deregistration delay says (aws/containers-roadmap issue 470, aws-load-balancer-controller issue
 * 2366), and the state that the API tells follows that delay: a timer, no count of connections. So
 * a target is drained when a minimum time is over, and the API or the pod's own connections say so.
 */
import type { ElasticLoadBalancing, Target } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { attemptTimedOut, backOff } from "../aws/retry.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import type { Attachment, Group } from "./resolve.ts";
import { saysAbsent, type Standing, standing } from "./health.ts";

/** When a target is drained. */
export interface DrainRules {
  /** Since it was deregistered, at the least (`-min-drain-time`). */
  readonly minTime: Milliseconds;
  /** From now on, at the most (`-wait-drained-timeout`, or what is left of it). */
  readonly timeout: Milliseconds;
  /** For how long there has to be no connection, where connections are looked at. */
  readonly idleTime: Milliseconds;
}

/** Ports and parameters of the wait. */
export interface DrainOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: DrainRules;
  /** When the last group let go. */
  readonly since: Milliseconds;
  /** Counts the connections from outside the pod; undefined: the API's word decides. */
  readonly connections: (() => number) | undefined;
  /** Cuts the wait short. */
  readonly forcedStop: AbortSignal;
}

/** How the wait ended. */
export type DrainResult =
  | { readonly outcome: "drained" }
  /** Somebody registered the target again. */
  | { readonly outcome: "registered"; readonly attachment: Attachment }
  /** `reason` is a whole sentence. */
  | { readonly outcome: "timed-out"; readonly reason: string }
  | { readonly outcome: "cut-short" };

/** How often the connections are counted: it costs a read of a file. */
const COUNT_EVERY: Milliseconds = 1_000;
/** How often the log tells how far a drain is. */
const TELL_EVERY: Milliseconds = 15_000;
/** How often the API is asked, once its answer may have changed. */
const ASK_EVERY: Milliseconds = 15_000;
/** One question's limit. */
const QUESTION: Milliseconds = 10_000;
/** The timer of a load balancer does not end to the millisecond. */
const AFTER_DELAY: Milliseconds = 1_000;

/** Waits until targets that were deregistered just now are drained. Never throws. */
export async function waitDrained(
  attachments: readonly Attachment[],
  options: DrainOptions,
): Promise<DrainResult> {
  const wait = new Wait(options);
  return options.connections === undefined
    ? await wait.forApi(attachments)
    : await wait.forConnections(options.connections);
}

class Wait {
  readonly #options: DrainOptions;
  readonly #deadline: AbortSignal;
  readonly #endsAt: Milliseconds;
  #toldAt: Milliseconds;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#endsAt = options.clock.now() + options.rules.timeout;
    this.#toldAt = options.clock.now();
    this.#deadline = options.clock.within(options.rules.timeout, options.forcedStop);
  }

  /** Asks the API when its answer can have changed: after the minimum and the group's delay. */
  async forApi(attachments: readonly Attachment[]): Promise<DrainResult> {
    const { rules, log } = this.#options;
    const delays = await Promise.all(attachments.map(({ group }) => this.#delayOf(group)));
    const known = delays.filter((delay) => delay !== undefined);
    const longest = known.length === 0 ? undefined : Math.max(...known);
    log.info("waiting until the target is drained", {
      at_least: durationText(rules.minTime),
      deregistration_delay: longest === undefined ? "unknown" : durationText(longest),
      at_most: durationText(rules.timeout),
    });
    this.#warnIfTooShort(Math.max(rules.minTime, longest ?? 0));
    const results = await Promise.all(attachments.map((attachment, at) => {
      const delay = delays[at];
      const timer = delay === undefined ? 0 : delay + AFTER_DELAY;
      return this.#untilAbsent(attachment, Math.max(rules.minTime, timer));
    }));
    return results.find(({ outcome }) => outcome !== "drained") ?? this.#drained();
  }

  /** Counts until nobody is connected any more for a while. */
  async forConnections(count: () => number): Promise<DrainResult> {
    const { clock, rules, log } = this.#options;
    log.info("waiting until the target is drained: until no connection is left", {
      connections: count(),
      at_least: durationText(rules.minTime),
      idle_time: durationText(rules.idleTime),
      at_most: durationText(rules.timeout),
    });
    let idleSince: Milliseconds | undefined;
    while (true) {
      const connections = count();
      const now = clock.now();
      if (connections > 0) idleSince = undefined;
      else idleSince ??= now;
      const isIdle = idleSince !== undefined && now - idleSince >= rules.idleTime;
      if (isIdle && this.#elapsed() >= rules.minTime) return this.#drained();
      if (this.#deadline.aborted) return this.#timedOut(`${left(connections)} left`);
      this.#tell(`${left(connections)} left`);
      await sleep(clock.within(COUNT_EVERY, this.#deadline));
    }
  }

  #warnIfTooShort(needed: Milliseconds): void {
    const { log, rules } = this.#options;
    if (this.#elapsed() + this.#left() >= needed) return;
    log.warn("the wait for the drain ends before the target can be drained", {
      at_most: durationText(rules.timeout),
      needed: durationText(needed),
    });
  }

  async #untilAbsent(attachment: Attachment, earliest: Milliseconds): Promise<DrainResult> {
    const { clock, log } = this.#options;
    await this.#sleepUntil(earliest);
    let faults = 0;
    let last = `the deregistration delay of ${attachment.group.name} is not over`;
    while (!this.#deadline.aborted) {
      const seen = await this.#look(attachment);
      if (seen === "absent") return { outcome: "drained" };
      if (seen === "registered") return { outcome: "registered", attachment };
      let pause = ASK_EVERY * (0.75 + clock.random() / 4);
      if (seen instanceof ApiError) {
        last = seen.message;
        if (this.#deadline.aborted) break;
        log.warn(seen.message, { target_group: attachment.group.name, attempt: ++faults });
        if (!seen.retryable) return this.#timedOut(last);
        const progress = { failedBefore: faults, left: this.#left() };
        pause = backOff(seen, progress, clock);
      } else {
        last = `${attachment.group.name} says that it is draining`;
      }
      this.#tell(last);
      await sleep(clock.within(pause, this.#deadline));
    }
    return this.#timedOut(last);
  }

  /** Told on the way: a drain may take minutes, and somebody waits for it. */
  async #sleepUntil(elapsed: Milliseconds): Promise<void> {
    const { clock } = this.#options;
    while (!this.#deadline.aborted && this.#elapsed() < elapsed) {
      const pause = Math.min(elapsed - this.#elapsed(), TELL_EVERY);
      await sleep(clock.within(pause, this.#deadline));
      this.#tell("draining");
    }
  }

  /** The group's deregistration delay; undefined where it may not be read. */
  async #delayOf(group: Group): Promise<Milliseconds | undefined> {
    const { elb, clock, log } = this.#options;
    try {
      return await elb.deregistrationDelay(group.arn, {
        signal: clock.within(QUESTION, this.#deadline),
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.info("the deregistration delay is not known; the state is asked for instead", {
        target_group: group.name,
        reason: why,
      });
      return undefined;
    }
  }

  async #look({ group, target }: Attachment): Promise<Standing | ApiError> {
    const { elb, clock } = this.#options;
    const signal = clock.within(QUESTION, this.#deadline);
    try {
      return standing(await elb.describeTargetHealth(group.arn, target, { signal }));
    } catch (error) {
      if (saysAbsent(error)) return "absent";
      if (error instanceof ApiError) return error;
      if (isTimeout(error) || this.#deadline.aborted) {
        return attemptTimedOut("DescribeTargetHealth", QUESTION);
      }
      throw error;
    }
  }

  #elapsed(): Milliseconds {
    return this.#options.clock.now() - this.#options.since;
  }

  #left(): Milliseconds {
    return this.#endsAt - this.#options.clock.now();
  }

  #tell(state: string): void {
    const { clock, log, rules } = this.#options;
    if (clock.now() - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = clock.now();
    const [done, atLeast] = [this.#elapsed(), rules.minTime].map(durationText);
    log.info(`waiting until the target is drained: ${state}, ${done} of at least ${atLeast}`);
  }

  #drained(): DrainResult {
    this.#options.log.info("target drained", { took: durationText(this.#elapsed()) });
    return { outcome: "drained" };
  }

  #timedOut(state: string): DrainResult {
    if (this.#options.forcedStop.aborted) return { outcome: "cut-short" };
    return {
      outcome: "timed-out",
      reason: `the target is deregistered, but not drained after ${
        durationText(this.#elapsed())
      }: ${state}`,
    };
  }
}

function left(connections: number): string {
  return connections === 1 ? "1 connection" : `${connections} connections`;
}

/** The ports to look at: a target may have one for each group. */
export function endpoints(
  attachments: readonly Attachment[],
): readonly { readonly id: Target["id"]; readonly port: number }[] {
  const each = attachments.flatMap(({ group, target }) => {
    const port = target.port ?? group.port;
    return port === undefined ? [] : [{ id: target.id, port }];
  });
  return each.filter((one, at) =>
    !each.slice(0, at).some(({ id, port }) => id === one.id && port === one.port)
  );
}
