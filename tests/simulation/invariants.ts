/** What must hold, whatever happens: looked at with every call and hook, and at the end. */
import type { HookEvent } from "../../lib/hooks/hook.ts";
import { HOOK_EVENTS } from "../../lib/hooks/hook.ts";
import { ApiFault } from "../../lib/aws/errors.ts";
import type { CallRecord } from "./api.ts";
import { type HookRun, LONGEST_ENDING } from "./hooks.ts";
import type { Phase } from "./trace.ts";
import type { World } from "./world.ts";

/** Calls of one kind for one group in ten seconds: more is no plan any more. */
const MOST_CALLS = 30;
const CALLS_WINDOW = 10_000;

/** Timers know whole milliseconds alone, and what is left of a time is rounded each time. */
const ROUNDING = 3;

/** Looks at a call at each of its steps. */
export function seeCall(world: World, record: CallRecord, step: "made" | "sent" | "ended"): void {
  const { trace, facts } = world;
  if (step === "made") {
    noneBeside(world, record);
    withinRate(world, record);
    notRefusedBefore(world, record);
    return;
  }
  if (step === "ended") return inItsTime(world, record);
  if (step !== "sent" || record.call !== "RegisterTargets") return;
  if (facts.stoppedAt !== undefined) {
    trace.violated("3: RegisterTargets goes out after the stop signal");
  }
  const hook = world.hooks.runs.find(({ event }) => event === "pre-register");
  if (hook?.result?.outcome !== "succeeded") {
    trace.violated("4: RegisterTargets before the pre-register hook succeeded");
  }
  if (!world.application.isReady) {
    trace.violated("4: RegisterTargets before -wait-for is satisfied");
  }
}

function noneBeside({ api, trace }: World, record: CallRecord): void {
  const beside = api.calls.some((other) =>
    other !== record && other.call === record.call && other.group === record.group &&
    other.end === undefined
  );
  if (beside) trace.violated(`8: two ${record.call} for group ${record.group} at once`);
}

function withinRate({ api, trace, clock }: World, record: CallRecord): void {
  const since = clock.now() - CALLS_WINDOW;
  const recent = api.calls.filter((other) =>
    other.call === record.call && other.group === record.group && other.madeAt > since
  );
  if (recent.length === MOST_CALLS + 1) {
    trace.violated(`8: more than ${MOST_CALLS} ${record.call} in ${CALLS_WINDOW} ms`);
  }
}

/** A final refusal is final: for the group, and for the others that register beside it. */
function notRefusedBefore({ api, trace, clock }: World, record: CallRecord): void {
  const isUpper = record.call === "DescribeTargetGroups" || record.call === "RegisterTargets" ||
    trace.phase === "waiting-in-service";
  if (!isUpper) return;
  const isForAll = record.call === "RegisterTargets";
  const isRefused = api.calls.some((other) =>
    other.call === record.call && (isForAll || other.group === record.group) &&
    isFinal(other) && (other.endedAt ?? Infinity) < clock.now()
  );
  if (isRefused) trace.violated(`8: ${record.call} again after a final refusal`);
}

/** One attempt's limit: a third of its step's time, and never more than this. */
const LONGEST_CALL = 10_000;

function inItsTime({ trace, scenario: { config } }: World, record: CallRecord): void {
  const { register, deregister, resolve } = config.timeouts;
  const isLook = record.call === "DescribeTargetHealth" && trace.has("deregistering") &&
    !trace.has("draining");
  const step = record.call === "RegisterTargets"
    ? register
    : record.call === "DescribeTargetGroups"
    ? resolve
    : record.call === "DeregisterTargets" || isLook
    ? deregister
    : Infinity;
  const took = (record.endedAt ?? Infinity) - record.madeAt;
  const isAcross = isLook && record.madeAt < (trace.phases.at(-1)?.at ?? 0);
  if (took > Math.min(LONGEST_CALL, isAcross ? Infinity : step / 3) + ROUNDING) {
    trace.violated(`9: ${record.call} has no end of its own: ${took.toFixed(0)} ms`);
  }
}

function isFinal({ end }: CallRecord): boolean {
  return end instanceof ApiFault && !end.retryable;
}

/** Looks at what a stop has ended: at once, whatever the life does about it. */
export function seeStop({ hooks, trace, facts }: World): void {
  for (const { event, endedAt, signal } of hooks.runs) {
    const isUpper = event === "pre-register" || event === "post-register";
    const mayGoOn = !isUpper && facts.hurriedAt === undefined;
    if (endedAt === undefined && !mayGoOn && !signal.aborted) {
      trace.violated(`7: a stop does not end the ${event} hook`);
    }
  }
}

/** Looks at a hook that starts. */
export function seeHook(world: World, run: HookRun): void {
  const { trace, facts, hooks } = world;
  const before = hooks.runs.slice(0, -1);
  if (before.some(({ event }) => event === run.event)) trace.violated(`7: ${run.event} runs twice`);
  if (before.some(({ endedAt }) => endedAt === undefined)) {
    trace.violated(`7: ${run.event} starts beside another hook`);
  }
  if (before.some(({ event }) => indexOf(event) > indexOf(run.event))) {
    trace.violated(`7: ${run.event} runs out of order`);
  }
  if (facts.hurriedAt !== undefined) {
    trace.violated(`7: ${run.event} starts after the second stop signal`);
  }
  const isUpper = run.event === "pre-register" || run.event === "post-register";
  if (isUpper && facts.stoppedAt !== undefined) {
    trace.violated(`7: ${run.event} starts after the stop signal`);
  }
  if (run.event === "post-register") sawTheWaitEnd(world);
  if (run.event === "post-deregister") afterLetting(world);
}

function indexOf(event: HookEvent): number {
  return HOOK_EVENTS.indexOf(event);
}

/** The wait in service ends when the target is healthy, or when its time is over. */
function sawTheWaitEnd({ api, trace, clock, scenario }: World): void {
  const { wait, timeout } = scenario.config.inService;
  if (!wait) return;
  for (const group of scenario.groups.keys()) {
    const asked = api.calls.filter((one) =>
      one.group === group && one.call === "DescribeTargetHealth"
    );
    const isHealthy = asked.some(({ health }) => health?.state === "healthy");
    const began = trace.phases.findLast(({ phase }) => phase === "waiting-in-service");
    const waited = clock.now() - (began?.at ?? Infinity) + ROUNDING;
    if (!isHealthy && !asked.some(isFinal) && waited < timeout) {
      trace.violated(`6: the wait for ${group} in service ends early`);
    }
  }
}

/** The post-deregister hook may rely on it that everybody has let go, or that time is over. */
function afterLetting(world: World): void {
  const { api, trace, scenario, clock } = world;
  for (const [group, membership] of api.memberships) {
    const began = departureOf(world, group);
    const isOver = began !== undefined &&
      clock.now() + ROUNDING >= began + scenario.config.timeouts.deregister;
    if (membership.isOurs && !isOver) {
      trace.violated(`7: post-deregister while ${group} holds the target`);
    }
  }
}

/** When leaving a group began. */
function departureOf({ api }: World, group: string): number | undefined {
  return api.calls.find((one) => one.call === "DeregisterTargets" && one.group === group)?.madeAt;
}

/** The sum of all deadlines that a life may use up after its stop. */
export function longestEnd({ scenario: { config } }: World): number {
  const { timeouts, hooks, drain } = config;
  const ofHooks = HOOK_EVENTS.reduce(
    (sum, event) => sum + hooks[event].timeout + LONGEST_ENDING,
    0,
  );
  // A stranger who registers the target while it drains makes it leave once more.
  const ofDraining = drain.wait ? drain.timeout + timeouts.deregister + timeouts.confirmSettle : 0;
  return timeouts.deregister + timeouts.confirmSettle + ofDraining + ofHooks + 1_000;
}

/** The sum of all deadlines until a life serves. */
export function longestStart({ scenario: { config } }: World): number {
  const { timeouts, hooks, inService, application } = config;
  return timeouts.resolve + application.timeout + timeouts.register +
    (inService.wait ? inService.timeout : 0) +
    hooks["pre-register"].timeout + hooks["post-register"].timeout + 2 * LONGEST_ENDING + 1_000;
}

/** Looks at a life that has ended. */
export function seeEnd(world: World): void {
  const { trace, clock, facts, api, hooks } = world;
  if (facts.ending === undefined) return trace.violated("9: the life threw");
  inTime(world);
  rightCode(world);
  hooksRan(world);
  promptly(world);
  if (facts.listeners !== 0) trace.violated(`9: ${facts.listeners} listeners left`);
  const isUnconfirmed = facts.ending.exit === "deregistrationNotConfirmed";
  const pending = api.calls.filter(({ end }) => end === undefined);
  if (pending.length > 0 && !isUnconfirmed) trace.violated("9: a call is left pending");
  if (hooks.runs.some(({ endedAt }) => endedAt === undefined)) {
    trace.violated("9: a hook runs on after the end");
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
  const { trace, clock, facts } = world;
  const stoppedAt = facts.stoppedAt ?? 0;
  const sinceStop = clock.now() - stoppedAt;
  const start = facts.stoppedAt === undefined ? longestStart(world) : 0;
  if (sinceStop > start + longestEnd(world)) {
    trace.violated(`6: the life ends ${sinceStop} ms after its stop`);
  }
  const serving = trace.phases.find(({ phase }) => phase === "serving");
  if (serving !== undefined && serving.at > longestStart(world)) {
    trace.violated(`6: it takes ${serving.at} ms to serve`);
  }
}

/** Each exit code has its reason in what the world did. */
function rightCode(world: World): void {
  const { trace, facts, api, clock, hooks, scenario: { config } } = world;
  const exit = facts.ending?.exit;
  const calls = (name: string) => api.calls.filter(({ call }) => call === name);
  const since = (made: CallRecord[]) => clock.now() - (made[0]?.madeAt ?? Infinity) + ROUNDING;
  switch (exit) {
    case "done":
      if (facts.stoppedAt === undefined) trace.violated("exit done without a stop");
      if (facts.faulted) trace.violated("exit done after a fault that nobody caught");
      return;
    case "fault":
      if (!facts.faulted) trace.violated(`exit fault: ${facts.ending?.sentence}`);
      return;
    case "groupNotResolved": {
      const made = calls("DescribeTargetGroups");
      if (!made.some(isFinal) && since(made) < config.timeouts.resolve) {
        trace.violated("gave up resolving before its time");
      }
      return;
    }
    case "applicationNeverReady":
      if (world.application.isReady) trace.violated("refused although the application answers");
      return;
    case "preRegisterRefused":
      if (hooks.runs[0]?.result?.outcome === "succeeded") {
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

/** Exit code 5 needs a group that tried for all of its time and never had an answer to rely on. */
function unconfirmed(world: World): void {
  const { trace, api, clock, scenario: { config } } = world;
  const groups = [...api.memberships.keys()];
  const isUnknown = groups.some((group) => {
    const began = departureOf(world, group);
    if (began === undefined) return false;
    const inDoubt = began + ROUNDING < doubtUntil(world, group, began);
    const time = config.timeouts.deregister + (inDoubt ? config.timeouts.confirmSettle : 0);
    return !isConfirmed(world, group) && clock.now() + ROUNDING >= began + time;
  });
  if (!isUnknown) trace.violated("2: exit 5 although every group confirmed");
}

/** Whether a DeregisterTargets call was answered that no call before it could undo. */
function isConfirmed(world: World, group: string): boolean {
  const since = world.facts.registeredByOtherAt ?? -Infinity;
  const until = Math.max(since, doubtUntil(world, group, Infinity));
  return world.api.calls.some((one) =>
    one.group === group && one.call === "DeregisterTargets" && one.end === "answered" &&
    one.madeAt >= until
  );
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
        (one.end instanceof ApiFault && one.end.effect === "none");
      return one.endedAt + (isRefused ? 0 : config.timeouts.confirmSettle);
    }),
  );
}

/** The hooks that must have run. */
function hooksRan({ trace, facts, hooks, api }: World): void {
  const ran = (event: HookEvent) => hooks.runs.some((run) => run.event === event);
  const { exit } = facts.ending ?? {};
  if (facts.hurriedAt !== undefined) return;
  if (trace.has("serving") && facts.stoppedIn === "serving" && !facts.faulted) {
    if (!ran("pre-deregister")) trace.violated("7: pre-deregister never ran");
  }
  const isLeft = api.calls.some(({ call }) => call === "DeregisterTargets");
  if (isLeft && !ran("post-deregister")) {
    trace.violated(`7: post-deregister never ran (exit ${exit})`);
  }
}

const STAYING: readonly (Phase | undefined)[] = [
  "registering",
  "waiting-in-service",
  "post-register",
];

/** A stop is acted on at once: only hooks that are to run first come between. */
function promptly(world: World): void {
  const { trace, facts, api, hooks, clock } = world;
  if (facts.stoppedAt === undefined) return;
  const hook = hooks.runs.find(({ event }) => event === "pre-deregister");
  const isUpper = STAYING.includes(facts.stoppedIn);
  const isNothingSent = !api.calls.some(({ call, sentAt }) =>
    call === "RegisterTargets" && sentAt !== undefined
  );
  const isCalling = facts.stoppedIn === "resolving" ||
    facts.stoppedIn === "waiting-for-application" || facts.stoppedIn === "registering";
  if (isNothingSent && isCalling && clock.now() > facts.stoppedAt + ROUNDING) {
    trace.violated("6: a stop before anything was sent does not end the life at once");
  }
  if (!isUpper && hook === undefined) return;
  const due = isUpper ? facts.stoppedAt : hook?.endedAt ?? Infinity;
  for (const { call, group, sentAt, end, endedAt } of api.calls) {
    if (call !== "RegisterTargets" || sentAt === undefined) continue;
    const isRefused = end instanceof ApiFault && end.effect === "none";
    if (isRefused && (endedAt ?? Infinity) <= facts.stoppedAt) continue;
    const began = departureOf(world, group);
    if (began === undefined || began > due) {
      trace.violated(`DeregisterTargets for ${group} is not made at once after the stop`);
    }
  }
}
