/** When to ask for a target's health next. Pure: from a group's settings to a time. */
import type { HealthCheck } from "../aws/elb.ts";
import type { Milliseconds } from "../host/duration.ts";

const SHORTEST: Milliseconds = 1_000;
const LONGEST: Milliseconds = 15_000;

/**
 * The time until the next question: several in each health-check interval, since the checks of
 * the load balancer's nodes are spread over it, but never rarer than the SDK's waiter asks.
 * @param chance In [0, 1): spreads the sidecars of a fleet that started at once.
 */
export function nextQuestionIn(healthCheck: HealthCheck, chance: number): Milliseconds {
  const ideal = healthCheck.intervalSeconds * 1_000 / 3;
  return Math.min(LONGEST, Math.max(SHORTEST, ideal)) * (0.75 + chance / 4);
}
