/** What must hold at the end of a cycle, and of a life. */
import { ApiError } from "../../../lib/aws/errors.ts";
import type { HookEvent } from "../../../lib/hooks/hook.ts";
import { membershipIn } from "../../../lib/registration/health.ts";
import type { CallRecord } from "../api.ts";
import type { Phase } from "../reachable.ts";
import type { World } from "../world.ts";
import { isFinal } from "./calls.ts";
import { seeDrained } from "./requests.ts";
import { longestEnd, longestStart, PATIENCE, ROUNDING } from "./times.ts";

/** When deregistering from a group began in this cycle. */
export function departureOf({ api, ofCycle }: World, group: string): number | undefined {
  // More groups than calls at a time: the last ones' calls are made later.
  if (api.memberships.size <= 10) return firstDeparture(ofCycle.calls, group);
  return ofCycle.calls.find(({ call }) => call === "DeregisterTargets")?.madeAt;
}

function firstDeparture(calls: readonly CallRecord[], group: string): number | undefined {
  return calls.find((one) => one.call === "DeregisterTargets" && one.group === group)?.madeAt;
}

/** When leaving a group began the last time, in whatever cycle. */
function lastDepartureOf({ api, cycles }: World, group: string): number | undefined {
  return cycles.map(({ first }, at) =>
    firstDeparture(api.calls.slice(first.call, cycles[at + 1]?.first.call), group)
  ).findLast((began) => began !== undefined);
}

/** Looks at a cycle when the next one begins, and at the last one. */
export function seeCycleEnd(world: World): void {
  hooksRan(world);
  promptly(world);
  const { trace, cycle, ofCycle } = world;
  const serving = ofCycle.phases.find(({ phase }) => phase === "serving");
  const took = (serving?.at ?? cycle.began) - cycle.began;
  if (took > longestStart(world)) trace.violated(`6: it takes ${took} ms to serve`);
}

/** Looks at a life that has ended. */
export function seeEnd(world: World): void {
  const { trace, clock, facts, api, hooks } = world;
  if (facts.ending === undefined) return trace.violated("9: the life threw");
  seeCycleEnd(world);
  inTime(world);
  rightCode(world);
  if (facts.listeners !== 0) trace.violated(`9: ${facts.listeners} listeners left`);
  const isUnconfirmed = facts.ending.exit === "deregistrationNotConfirmed";
  const pending = api.calls.filter(({ end }) => end === undefined);
  if (pending.length > 0 && !isUnconfirmed) trace.violated("9: a call is left pending");
  if (hooks.runs.some(({ endedAt }) => endedAt === undefined)) {
    trace.violated("9: a hook runs on after the end");
  }
  if (facts.drains.some(({ end }) => end === undefined)) {
    trace.violated("9: a /drain was never answered");
  }
  trace.tell(`the life took ${clock.now()} ms`);
}

/** Looks once more when all that was on its way has arrived. */
export function seeAftermath({ trace, facts, api }: World): void {
  const left = [...api.memberships].filter(([, membership]) => membership.isOurs);
  if (left.length > 0 && facts.ending?.exit !== "deregistrationNotConfirmed") {
    trace.violated(`1: exit ${facts.ending?.exit}, and ${left[0]?.[0]} holds the target`);
  }
}

function inTime(world: World): void {
  const { trace, clock, facts, cycle } = world;
  const since = clock.now() - (facts.stoppedAt ?? cycle.began);
  const start = facts.stoppedAt === undefined ? longestStart(world) : 0;
  if (since > start + longestEnd(world)) {
    trace.violated(`6: the life ends ${since} ms after its stop`);
  }
}

/** Each exit code has its reason in what the world did. */
function rightCode(world: World): void {
  const { trace, facts, clock, ofCycle, scenario: { config } } = world;
  const exit = facts.ending?.exit;
  const calls = (name: string) => ofCycle.calls.filter(({ call }) => call === name);
  const since = (made: CallRecord[]) => clock.now() - (made[0]?.madeAt ?? Infinity) + ROUNDING;
  switch (exit) {
    case "done":
      if (facts.stoppedAt === undefined) trace.violated("exit done without a stop");
      if (facts.faulted) trace.violated("exit done after a fault that nobody caught");
      drainedWhereWaitedFor(world);
      return;
    case "error":
      if (!facts.faulted) trace.violated(`exit fault: ${facts.ending?.message}`);
      return;
    case "groupNotResolved": {
      const made = calls("DescribeTargetGroups");
      if (!made.some(isFinal) && since(made) < config.timeouts.resolve) {
        trace.violated("gave up resolving before its time");
      }
      return;
    }
    case "applicationNeverReady":
      if (world.application.isReadyFor(3_000)) {
        trace.violated("refused although the application answers");
      }
      return;
    case "preRegisterRefused":
      if (ofCycle.hooks[0]?.result?.outcome === "succeeded") {
        trace.violated("refused although the pre-register hook succeeded");
      }
      return;
    case "notRegistered": {
      const made = calls("RegisterTargets");
      const mayWait = config.inService.required;
      if (!made.some(isFinal) && since(made) < config.timeouts.register && !mayWait) {
        trace.violated("gave up registering before its time");
      }
      return;
    }
    case "deregistrationNotConfirmed":
      return unconfirmed(world);
    default:
      trace.violated(`exit ${exit} has no reason`);
  }
}

/** `-wait-drained` ends when the targets are drained, whichever cycle deregistered them. */
function drainedWhereWaitedFor(world: World): void {
  const { clock, facts, ofCycle, has, scenario: { config } } = world;
  const stopped = facts.stoppedAt ?? Infinity;
  const end = Math.min(stopped + config.drain.timeout, world.graceEnd(stopped, 5_000));
  const isRefused = ofCycle.calls.some((one) =>
    one.call === "DescribeTargetHealth" && isFinal(one)
  );
  const mayEnd = facts.hurriedAt !== undefined || isRefused || clock.now() + ROUNDING >= end ||
    facts.drains.some(({ endedAt = 0, end }) => endedAt >= stopped && end?.outcome === "failed");
  if (!config.drain.wait || mayEnd) return;
  // Of a drain that was over when the stop came, only our own part is still promised.
  seeDrained(world, "exit 0 with -wait-drained", has("draining") ? stopped : Infinity);
}

function unconfirmed(world: World): void {
  if (!isLeavingUnknown(world)) {
    world.trace.violated("2: exit 5 although every group confirmed");
  }
}

/** Whether a group tried for all of its time and never had an answer to rely on. */
export function isLeavingUnknown(world: World): boolean {
  const groups = [...world.api.memberships.keys()];
  const all = groups.map((group) => lastDepartureOf(world, group) ?? Infinity);
  // More groups than calls at a time: the last ones' calls are made later.
  const first = groups.length > 10 ? Math.min(...all) : Infinity;
  return groups.some((group, at) => {
    const began = Math.min(first, all[at] ?? Infinity);
    if (began === Infinity) return false;
    return !isConfirmed(world, group) &&
      [began, againAt(world, group)].some((moment) =>
        world.clock.now() + ROUNDING >= timeOver(world, group, moment)
      );
  });
}

/** When a target that another client registered while it drained began to be deregistered again. */
function againAt({ ofCycle }: World, group: string): number {
  const drains = ofCycle.phases.find(({ phase }) => phase === "draining")?.at ?? Infinity;
  const again = ofCycle.calls.find(({ call, group: of, madeAt }) =>
    call === "DeregisterTargets" && of === group && madeAt >= drains
  );
  return again?.madeAt ?? Infinity;
}

/** When the time to deregister a target is over; the kubelet leaves two seconds in any case. */
export function timeOver(world: World, group: string, began: number): number {
  const { deregister, confirmSettle } = world.scenario.config.timeouts;
  const inDoubt = began + ROUNDING < doubtUntil(world, group, began);
  const end = deregister < Infinity
    ? began + deregister + (inDoubt ? confirmSettle : 0)
    : patienceEnd(world, group, began);
  // One that begins meanwhile counts too: after a failure, the pod may be deleted at any moment.
  const graceEnd = Math.min(world.graceEnd(began, 2_000), world.graceEnd(world.clock.now(), 2_000));
  return Math.max(began + 2_000, Math.min(end, graceEnd));
}

/** When deregistering without a limit gives up all the same: stopped twice, or refused for long. */
function patienceEnd({ facts, api }: World, group: string, began: number): number {
  const ended = api.calls.filter((one) =>
    one.group === group && one.call === "DeregisterTargets" && one.madeAt >= began &&
    one.end !== undefined
  );
  const refused = ended[ended.findLastIndex((one) => !isFinal(one)) + 1]?.endedAt ?? Infinity;
  return Math.min(refused, Math.max(began, facts.hurriedAt ?? Infinity)) + PATIENCE;
}

/** Whether a DeregisterTargets call was answered that no call before it could undo. */
function isConfirmed(world: World, group: string): boolean {
  const since = Math.max(world.facts.registeredByOtherAt ?? -Infinity, foundAt(world, group));
  const until = Math.max(since, doubtUntil(world, group, Infinity));
  return world.api.calls.some((one) =>
    one.group === group && one.call === "DeregisterTargets" && one.end === "answered" &&
    one.madeAt >= until
  );
}

/**
 * When the API said the last time, perhaps of an earlier moment, that the target is registered: in
 * whichever cycle, since what could not be confirmed in one is deregistered by the next.
 */
function foundAt({ api }: World, group: string): number {
  const said = api.calls.filter(({ group: of, health }) =>
    of === group && health !== undefined && membershipIn(health) === "registered"
  );
  return Math.max(-Infinity, ...said.map(({ endedAt }) => endedAt ?? -Infinity));
}

/** Until when a RegisterTargets call may be applied, as far as it can be known at a moment. */
function doubtUntil(
  { api, scenario: { config } }: World,
  group: string,
  asOf: number,
): number {
  return Math.max(
    -Infinity,
    ...api.calls.map((one) => {
      if (one.group !== group || one.call !== "RegisterTargets") return -Infinity;
      if (one.endedAt === undefined || one.endedAt > asOf) return Infinity;
      // Of two calls of the same moment, nobody can say which the API took first.
      if (one.end === "answered") return one.endedAt + ROUNDING;
      const isRefused = one.sentAt === undefined ||
        (one.end instanceof ApiError && one.end.effect === "none");
      return one.endedAt + (isRefused ? 0 : config.timeouts.confirmSettle);
    }),
  );
}

/** The hooks that must have run. */
function hooksRan({ trace, facts, ofCycle, cycle, has }: World): void {
  const ran = (event: HookEvent) => ofCycle.hooks.some((run) => run.event === event);
  if (facts.hurriedAt !== undefined) return;
  const { leave } = cycle;
  if (has("serving") && leave?.phase === "serving" && !ran("pre-deregister")) {
    trace.violated("7: pre-deregister never ran");
  }
  const isLeft = has("deregistering");
  if (isLeft && !ran("post-deregister")) {
    trace.violated(`7: post-deregister never ran (exit ${facts.ending?.exit})`);
  }
}

const STAYING: readonly Phase[] = ["registering", "waiting-in-service", "post-register"];
const BEFORE_REGISTERED: readonly Phase[] = [
  "resolving",
  "waiting-for-application",
  "registering",
];

/** A stop or a drain is acted on at once: only hooks that are to run first come between. */
function promptly(world: World): void {
  const { trace, facts, api, clock, cycle: { leave }, ofCycle } = world;
  if (leave === undefined) return;
  const wasSent = api.calls.some(({ call, sentAt }) =>
    call === "RegisterTargets" && sentAt !== undefined
  );
  const isAnswered = leave.by === "stop"
    ? facts.ending === undefined || clock.now() <= leave.at + ROUNDING
    : facts.drains.every(({ at, endedAt = Infinity }) =>
      at !== leave.at || endedAt <= leave.at + ROUNDING
    );
  if (!wasSent && BEFORE_REGISTERED.includes(leave.phase) && !isAnswered) {
    trace.violated("6: a stop before anything was sent does not end the life at once");
  }
  const hook = ofCycle.hooks.find(({ event }) => event === "pre-deregister");
  // The calls of many groups wait for each other.
  if (api.memberships.size > 10) return;
  const isStaying = STAYING.includes(leave.phase);
  if (!isStaying && hook === undefined) return;
  const due = isStaying ? leave.at : hook?.endedAt ?? Infinity;
  for (const { call, group, sentAt, end, endedAt } of ofCycle.calls) {
    if (call !== "RegisterTargets" || sentAt === undefined) continue;
    const isRefused = end instanceof ApiError && end.effect === "none";
    if (isRefused && (endedAt ?? Infinity) <= leave.at) continue;
    const began = departureOf(world, group);
    if (began === undefined || began > due) {
      trace.violated(`DeregisterTargets for ${group} is not made at once after the ${leave.by}`);
    }
  }
}
