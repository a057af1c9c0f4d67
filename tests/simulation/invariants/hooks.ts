/** What must hold of each run of a hook: looked at when it starts, and when something ends it. */
import type { HookEvent } from "../../../lib/hooks/hook.ts";
import { HOOK_EVENTS } from "../../../lib/hooks/hook.ts";
import type { HookRun } from "../hooks.ts";
import type { World } from "../world.ts";
import { isFinal, isIn } from "./calls.ts";
import { departureOf, timeOver } from "./end.ts";
import { ROUNDING } from "./times.ts";

function isUpper(event: HookEvent): boolean {
  return event === "pre-register" || event === "post-register";
}

/** Looks at what a stop has ended: at once, whatever the life does about it. */
export function seeStop({ hooks, trace, facts }: World): void {
  for (const { event, endedAt, signal } of hooks.runs) {
    const mayGoOn = !isUpper(event) && facts.hurriedAt === undefined;
    if (endedAt === undefined && !mayGoOn && !signal.aborted) {
      trace.violated(`7: a stop does not end the ${event} hook`);
    }
  }
}

/** Looks at what a drain has ended: no more than hooks that lead to serving. */
export function seeDrain({ hooks, trace }: World): void {
  for (const { event, endedAt, signal } of hooks.runs) {
    if (endedAt === undefined && isUpper(event) && !signal.aborted) {
      trace.violated(`7: a drain does not end the ${event} hook`);
    }
  }
}

/** Looks at a hook that starts. */
export function seeHook(world: World, run: HookRun): void {
  const { trace, facts, hooks } = world;
  const before = world.ofCycle.hooks.slice(0, -1);
  if (before.some(({ event }) => event === run.event)) trace.violated(`7: ${run.event} runs twice`);
  if (hooks.runs.some((other) => other !== run && other.endedAt === undefined)) {
    trace.violated(`7: ${run.event} starts beside another hook`);
  }
  if (before.some(({ event }) => indexOf(event) > indexOf(run.event))) {
    trace.violated(`7: ${run.event} runs out of order`);
  }
  if (facts.hurriedAt !== undefined) {
    trace.violated(`7: ${run.event} starts after the second stop signal`);
  }
  if (isUpper(run.event)) {
    if (facts.stoppedAt !== undefined) {
      trace.violated(`7: ${run.event} starts after the stop signal`);
    }
    if (world.isDrainStanding) trace.violated(`7: ${run.event} starts during a drain`);
  }
  if (run.event === "post-register") sawTheWaitEnd(world);
  if (run.event === "post-deregister") afterLetting(world);
}

function indexOf(event: HookEvent): number {
  return HOOK_EVENTS.indexOf(event);
}

/** The wait in service ends when the target is healthy, or when its time is over. */
function sawTheWaitEnd({ ofCycle, trace, clock, scenario }: World): void {
  const { wait, timeout } = scenario.config.inService;
  if (!wait) return;
  for (const group of scenario.groups.keys()) {
    const asked = ofCycle.calls.filter((one) =>
      one.group === group && one.call === "DescribeTargetHealth"
    );
    const isHealthy = asked.some(({ health }) => isIn(health, scenario.config));
    const began = trace.phases.findLast(({ phase }) => phase === "waiting-in-service");
    const waited = clock.now() - (began?.at ?? Infinity) + ROUNDING;
    if (!isHealthy && !asked.some(isFinal) && waited < timeout) {
      trace.violated(`6: the wait for ${group} in service ends early`);
    }
  }
}

/** The post-deregister hook may rely on it that everybody has let go, or that time is over. */
function afterLetting(world: World): void {
  const { api, trace, clock } = world;
  for (const [group, membership] of api.memberships) {
    const began = departureOf(world, group);
    const isOver = began !== undefined &&
      clock.now() + ROUNDING >= timeOver(world, group, began);
    if (membership.isOurs && !isOver) {
      trace.violated(`7: post-deregister while ${group} holds the target`);
    }
  }
}
