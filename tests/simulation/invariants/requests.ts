/** What must hold of what is asked of a life from outside, and of what it tells of itself. */
import type { DrainOutcome } from "../../../lib/lifecycle/outcome.ts";
import { isDrainAwaited } from "../../../lib/lifecycle/intent.ts";
import type { Weather } from "../courses.ts";
import type { World } from "../world.ts";
import { isFinal, isIn } from "./calls.ts";
import { isLeavingUnknown } from "./end.ts";
import { ROUNDING } from "./times.ts";

/** How long a question may take, and how old its answer may be beside the weather's. */
const ANSWER = 10_000;
/** A registration by another client is noticed within this: a poll, and the time between two. */
const NOTICED = 25_000;

/** Looks at the answer of a drain. */
export function seeDrainEnd(world: World, end: DrainOutcome): void {
  if (end.outcome === "failed") return failedForAReason(world, end.reason);
  // Once drained, what other clients do is not promised any more.
  seeDrained(world, "/drain answers 200", world.trace.phase === "draining" ? -Infinity : Infinity);
}

/** Looks at targets that are called drained, whoever says so, by a drain that began then or later. */
export function seeDrained(world: World, who: string, since = -Infinity): void {
  const { api, trace, clock, connections, scenario: { config, weather } } = world;
  const now = clock.now();
  const { idle, idleTime, minTime } = config.drain;
  for (const [group, membership] of api.memberships) {
    if (membership.isOurs) trace.violated(`5: ${who}, and ${group} holds the target`);
    const calls = api.calls.filter((one) => one.group === group);
    const last = calls.findLast(({ call }) => call === "DeregisterTargets");
    if (last === undefined) continue;
    if (now + ROUNDING < (last.endedAt ?? Infinity) + minTime) {
      trace.violated(`5: ${who} before -min-drain-time is over in ${group}`);
    }
    const isOld = now - (membership.registeredSince ?? Infinity) > NOTICED + weather.settle &&
      (last.endedAt ?? 0) >= since;
    const lastPoll = calls.findLast(({ call }) => call === "DescribeTargetHealth");
    const isSeen = lastPoll !== undefined && !isFinal(lastPoll);
    if (isOld && isSeen) trace.violated(`5: ${who}, and another client's target is in ${group}`);
    if (!idle && membership.isDrainingThroughout(now - weather.settle - ANSWER, now)) {
      trace.violated(`5: ${who}, and the target is draining in ${group}`);
    }
    // Connections are counted once a second, and a drain that was over stays so.
    const moments = [0, 2_000, 4_000, 6_000, 8_000].filter((time) => time <= idleTime - 1_000);
    const isDrainedNow = last.endedAt !== undefined && world.trace.phase === "draining";
    if (idle && isDrainedNow && moments.some((time) => connections.at(now - time) > 0)) {
      trace.violated(`5: ${who}, and a client is connected`);
    }
  }
}

function failedForAReason(world: World, reason: string): void {
  const { trace, clock, facts, cycle, ofCycle, scenario: { config } } = world;
  const began = cycle.leave?.at ?? 0;
  const end = Math.min(began + config.drain.timeout, world.graceEnd(clock.now(), 5_000));
  const isTooLong = clock.now() + ROUNDING >= end;
  const isRefused = ofCycle.calls.some((one) =>
    one.call === "DescribeTargetHealth" && isFinal(one)
  );
  if (facts.hurriedAt !== undefined || isTooLong || isRefused || isLeavingUnknown(world)) return;
  trace.violated(`2: /drain answers 500 without a reason: ${reason}`);
}

/** Looks at a life that begins another cycle: somebody or something has asked for it. */
export function seeReturn({ trace, cycle, mayReturn }: World): void {
  if (!cycle.isWantedBack && !mayReturn) {
    trace.violated("3: it registers again although nobody asked for it");
  }
}

/** Looks at a life that waits, between two moments. */
export function seeSettled(world: World): void {
  if (world.trace.violations.length > 0) return;
  readyOnlyOnceHealthy(world);
  if (world.facts.stoppedAt !== undefined) return;
  if (world.trace.phase === "drained") staysDrained(world);
  if (world.trace.phase === "serving") staysRegistered(world);
}

function readyOnlyOnceHealthy(
  { trace, facts, isDrainStanding, ofCycle, scenario, isReady }: World,
): void {
  if (!isReady()) return;
  if (facts.stoppedAt !== undefined) trace.violated("5: /readyz is 200 after the stop signal");
  if (isDrainStanding) trace.violated("5: /readyz is 200 during a drain");
  for (const group of scenario.groups.keys()) {
    const wasHealthy = ofCycle.calls.some((one) =>
      one.group === group && isIn(one.health, scenario.config)
    );
    if (!wasHealthy) trace.violated(`5: /readyz is 200, and ${group} was never healthy`);
  }
}

/** A life that is drained acts at once on what is asked of it, and holds nothing. */
function staysDrained(world: World): void {
  const { trace, intent, cycle, facts, api, application, mayReturn } = world;
  if (isDrainAwaited(intent.now)) trace.violated("9: /drain is not answered by a drained sidecar");
  const isKnown = world.scenario.config.application.addresses.length > 0;
  const isBack = isKnown && mayReturn &&
    application.isCertainlyBack(facts.drains.at(-1)?.at ?? 0);
  if (cycle.isWantedBack || isBack) trace.violated("9: a wish to register again is not heeded");
  if (facts.drains.at(-1)?.end?.outcome !== "drained") return;
  for (const [group, membership] of api.memberships) {
    if (membership.isOurs) {
      trace.violated(`5: after /drain answered 200, ${group} takes the target`);
    }
  }
}

/** Once there is no trouble any more, the watch registers a target again that others have deregistered. */
function staysRegistered({ api, trace, clock, scenario: { config, weather } }: World): void {
  const interval = config.watchInterval;
  const isCalmFrom = weather.trouble === 0 ? 0 : weather.clearsAt;
  const isAllowedFrom = Math.max(0, ...weather.denials.map(({ to }) => to));
  const began = Math.max(
    isCalmFrom,
    isAllowedFrom,
    weather.quota.to,
    trace.phases.at(-1)?.at ?? Infinity,
  );
  if (interval === 0 || began === Infinity) return;
  for (const [group, { goneSince }] of api.memberships) {
    if (goneSince === undefined) continue;
    const waited = clock.now() - Math.max(began, goneSince);
    // The second look may be the first that is believed, and a pause of before goes on.
    const time = 3 * interval + 2 * weather.settle + 2 * ANSWER +
      Math.min(config.timeouts.register, 60_000) + longestPause(weather);
    if (waited > time) {
      trace.violated(`9: the watch does not register the target again in ${group}`);
    }
  }
}

/** Polls that were throttled or refused are rare for a while after that has ended. */
function longestPause({ trouble, denials, quota }: Weather): number {
  return trouble > 0 || denials.length > 0 || quota.to > 0 ? 10 * 60_000 : 0;
}
