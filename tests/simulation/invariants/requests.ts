/** What must hold of what is asked of a life from outside, and of what it tells of itself. */
import type { DrainOutcome } from "../../../lib/lifecycle/outcome.ts";
import { isDrainAwaited } from "../../../lib/lifecycle/intent.ts";
import type { World } from "../world.ts";
import { isFinal } from "./calls.ts";
import { isLeavingUnknown } from "./end.ts";
import { ROUNDING } from "./times.ts";

/** How long a question may take, and how old its answer may be beside the weather's. */
const ANSWER = 10_000;

/** Looks at the answer of a drain. */
export function seeDrainEnd(world: World, end: DrainOutcome): void {
  if (end.outcome === "failed") return failedForAReason(world, end.reason);
  const { api, trace, clock, ofCycle, scenario: { config, weather } } = world;
  const now = clock.now();
  for (const [group, membership] of api.memberships) {
    if (membership.isOurs) trace.violated(`5: /drain answers 200, and ${group} holds the target`);
    const last = ofCycle.calls.findLast((one) =>
      one.call === "DeregisterTargets" && one.group === group
    );
    if (last === undefined) continue;
    if (now + ROUNDING < (last.endedAt ?? Infinity) + config.drain.minTime) {
      trace.violated(`5: /drain answers 200 before -min-drain-time is over in ${group}`);
    }
    if (membership.isDrainingThroughout(now - weather.settle - ANSWER, now)) {
      trace.violated(`5: /drain answers 200, and the target is draining in ${group}`);
    }
  }
}

function failedForAReason(world: World, reason: string): void {
  const { trace, clock, facts, cycle, ofCycle, scenario: { config } } = world;
  const isTooLong = clock.now() + ROUNDING >= (cycle.leave?.at ?? 0) + config.drain.timeout;
  const isRefused = ofCycle.calls.some((one) =>
    one.call === "DescribeTargetHealth" && isFinal(one)
  );
  if (facts.hurriedAt !== undefined || isTooLong || isRefused || isLeavingUnknown(world)) return;
  trace.violated(`2: /drain answers 500 without a reason: ${reason}`);
}

/** Looks at a life that begins another cycle: somebody or something has asked for it. */
export function seeReturn({ trace, cycle }: World): void {
  if (!cycle.isWantedBack) trace.violated("3: it registers again although nobody asked for it");
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
      one.group === group && one.health?.state === "healthy"
    );
    if (!wasHealthy) trace.violated(`5: /readyz is 200, and ${group} was never healthy`);
  }
}

/** A life that is drained acts at once on what is asked of it, and holds nothing. */
function staysDrained({ trace, intent, cycle, facts, api }: World): void {
  if (isDrainAwaited(intent.now)) trace.violated("9: /drain is not answered by a drained sidecar");
  if (cycle.isWantedBack) trace.violated("9: a wish to register again is not heeded");
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
  const began = Math.max(isCalmFrom, trace.phases.at(-1)?.at ?? Infinity);
  if (interval === 0 || began === Infinity) return;
  for (const [group, { goneSince }] of api.memberships) {
    if (goneSince === undefined) continue;
    const waited = clock.now() - Math.max(began, goneSince);
    // The second look may be the first that is believed, and a pause of before goes on.
    const time = 3 * interval + 2 * weather.settle + 2 * ANSWER + config.timeouts.register;
    if (waited > time) {
      trace.violated(`9: the watch does not register the target again in ${group}`);
    }
  }
}
