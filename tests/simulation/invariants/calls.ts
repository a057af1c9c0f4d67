/** What must hold of each call to the API: looked at when it is made, sent, and ended. */
import type { Config } from "../../../lib/config/config.ts";
import { ApiError } from "../../../lib/aws/errors.ts";
import type { CallRecord } from "../api.ts";
import type { World } from "../world.ts";
import { ROUNDING } from "./times.ts";

/** Calls of one kind for one group in ten seconds: more is no plan any more. */
const MOST_CALLS = 30;
const CALLS_WINDOW = 10_000;

/** Looks at a call at each of its steps. */
export function seeCall(world: World, record: CallRecord, step: "made" | "sent" | "ended"): void {
  if (step === "made") {
    noneBeside(world, record);
    withinRate(world, record);
    notRefusedBefore(world, record);
    return;
  }
  if (step === "ended") {
    seldomRefused(world, record);
    return inItsTime(world, record);
  }
  if (record.call === "RegisterTargets") mayRegister(world);
}

/** Looks at a call that takes effect: one from before must not undo a registration of now. */
export function seeApply({ api, trace, cycle, ofCycle }: World, record: CallRecord): void {
  if (record.call !== "DeregisterTargets" || record.madeAt >= cycle.began) return;
  const { isOurs, registeredSince = -Infinity } = api.memberships.get(record.group) ?? {};
  // Registered by a late call of the cycle before, it is not what serves now.
  const isSent = ofCycle.calls.some((one) =>
    one.call === "RegisterTargets" && one.group === record.group && one.sentAt !== undefined
  );
  if (isSent && isOurs && registeredSince >= cycle.began) {
    trace.violated(`14: a late DeregisterTargets call deregisters ${record.group}, which serves`);
  }
}

function mayRegister(world: World): void {
  const { trace, facts, isDrainStanding, mayReturn, ofCycle } = world;
  if (facts.stoppedAt !== undefined) {
    trace.violated("3: RegisterTargets goes out after the stop signal");
  }
  if (isDrainStanding && !mayReturn) trace.violated("3: RegisterTargets goes out during a drain");
  const hook = ofCycle.hooks.find(({ event }) => event === "pre-register");
  if (hook?.result?.outcome !== "succeeded") {
    trace.violated("4: RegisterTargets before the pre-register hook succeeded");
  }
  const { application, cycle, scenario: { config } } = world;
  if (config.application.addresses.length > 0 && !application.wasReadySince(cycle.began)) {
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

/** Refused for good while serving or deregistering, in so many milliseconds, by call. */
const MOST_REFUSED: Partial<Record<CallRecord["call"], { count: number; within: number }>> = {
  // A role may be mended while the pod lives.
  DescribeTargetHealth: { count: 20, within: 3_600_000 },
  // It may be mended in time, too.
  DeregisterTargets: { count: 4, within: 10_000 },
};

/** What is refused for good is tried again seldom; an answer shows that it was not for good. */
function seldomRefused({ api, trace, clock }: World, record: CallRecord): void {
  const bound = MOST_REFUSED[record.call];
  if (bound === undefined || !isFinal(record) || confirms(api, record)) return;
  const ofKind = api.calls.filter(({ call, group }) =>
    call === record.call && group === record.group
  );
  const answered = ofKind.findLast(({ end }) => end === "answered")?.madeAt ?? -Infinity;
  const since = Math.max(answered, clock.now() - bound.within);
  const refused = ofKind.filter((other) =>
    isFinal(other) && other.madeAt > since && !confirms(api, other)
  );
  if (refused.length === bound.count + 1) {
    trace.violated(`8: ${record.call} refused ${refused.length} times in ${bound.within} ms`);
  }
}

/** A poll right after a DeregisterTargets call is as seldom as those. */
function confirms({ calls }: World["api"], record: CallRecord): boolean {
  if (record.call !== "DescribeTargetHealth") return false;
  const ofGroup = calls.filter(({ group }) => group === record.group);
  return ofGroup[ofGroup.indexOf(record) - 1]?.call === "DeregisterTargets";
}

/**
 * A final refusal is final: for the group, and for the others that register beside it. The watch
 * of a serving sidecar alone goes on: somebody may give back what was taken.
 */
function notRefusedBefore({ trace, clock, ofCycle }: World, record: CallRecord): void {
  const isUpper = record.call === "DescribeTargetGroups" || record.call === "RegisterTargets" ||
    trace.phase === "waiting-in-service";
  if (!isUpper || trace.phase === "serving") return;
  const isForAll = record.call === "RegisterTargets";
  const isRefused = ofCycle.calls.some((other) =>
    other.call === record.call && (isForAll || other.group === record.group) &&
    isFinal(other) && (other.endedAt ?? Infinity) < clock.now()
  );
  if (isRefused) trace.violated(`8: ${record.call} again after a final refusal`);
}

/** One attempt's limit: a third of its step's time, and never more than this. */
const LONGEST_CALL = 10_000;

function inItsTime({ trace, scenario: { config }, has }: World, record: CallRecord): void {
  const { register, deregister, resolve, confirmSettle } = config.timeouts;
  const isLook = record.call === "DescribeTargetHealth" && has("deregistering") &&
    !has("draining");
  const step = record.call === "RegisterTargets"
    ? register
    : record.call === "DescribeTargetGroups"
    ? resolve
    : record.call === "DeregisterTargets" || isLook
    ? Math.max(3_000, deregister + confirmSettle)
    : Infinity;
  const took = (record.endedAt ?? Infinity) - record.madeAt;
  const isAcross = isLook && record.madeAt < (trace.phases.at(-1)?.at ?? 0);
  if (took > Math.min(LONGEST_CALL, isAcross ? Infinity : step / 3) + ROUNDING) {
    trace.violated(`9: ${record.call} has no end of its own: ${took.toFixed(0)} ms`);
  }
}

/** Whether an answer of DescribeTargetHealth says that the target is in service. */
export function isIn(health: CallRecord["health"], { inService }: Config): boolean {
  return health?.state === "healthy" ||
    (inService.whenUnused && health?.reason === "Target.NotInUse");
}

/** Whether the API refused a call for good. */
export function isFinal({ end }: CallRecord): boolean {
  return end instanceof ApiError && !end.retryable;
}
