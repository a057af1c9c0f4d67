/**
 * The model of targets that poll schedules are measured with. AWS does not document when a load
 * balancer makes its first check, so the model has both rules that users report.
 */
import type { HealthCheck, TargetHealth } from "../../lib/aws/elb.ts";

/** A state of a target, and when it begins: seconds since the target was registered. */
interface Stage {
  readonly from: number;
  readonly state: string;
  readonly reason?: string;
}

/** A target's settings, and what becomes of it. */
export interface ModelTarget {
  readonly healthCheck: HealthCheck;
  /** When it turns healthy; Infinity: never. */
  readonly healthyAt: number;
  readonly stages: readonly Stage[];
}

/** What the API would say of the target at a moment. */
export function healthAt({ stages }: Pick<ModelTarget, "stages">, seconds: number): TargetHealth {
  const stage = stages.findLast(({ from }) => from <= seconds);
  if (stage === undefined) throw new RangeError(`No state at ${seconds} s`);
  const { state, reason } = stage;
  return { target: { id: "10.0.0.1" }, state, ...(reason !== undefined && { reason }) };
}

type Chance = () => number;

/**
 * A random target:
 * - interval 5 to 300 s, each threshold 2 to 10, registration takes 0 to 180 s;
 * - after it the first check comes within an interval, and then one each interval;
 * - every other load balancer calls a fresh target healthy after its first passed check, the others
 *   after as many in a row as the healthy threshold says; one that was unhealthy needs so many of
 *   both; so many failed ones in a row as the unhealthy threshold says make it unhealthy;
 * - of 20 applications, 14 answer from the start, 4 within two minutes, 1 never, and 1 is in a
 *   group without a listener.
 */
export function randomTarget(chance: Chance): ModelTarget {
  const whole = (from: number, to: number) => Math.floor(from + chance() * (to - from + 1));
  const healthCheck: HealthCheck = {
    enabled: true,
    intervalSeconds: whole(5, 300),
    healthyThreshold: whole(2, 10),
    unhealthyThreshold: whole(2, 10),
  };
  const registered = chance() * 180;
  const firstCheck = registered + chance() * healthCheck.intervalSeconds;
  const needed = chance() < 0.5 ? 1 : healthCheck.healthyThreshold;
  const kind = whole(1, 20);
  const answersFrom = kind <= 14 ? 0 : kind <= 18 ? chance() * 120 : Infinity;
  if (kind === 20) {
    const stages = [{ from: 0, state: "unused", reason: "Target.NotInUse" }];
    return { healthCheck, healthyAt: Infinity, stages };
  }
  const before: Stage[] = [
    { from: 0, state: "initial", reason: "Elb.RegistrationInProgress" },
    { from: registered, state: "initial", reason: "Elb.InitialHealthChecking" },
  ];
  return checked(healthCheck, before, { firstCheck, needed, answersFrom });
}

interface Checks {
  readonly firstCheck: number;
  /** So many passed checks in a row make a fresh target healthy. */
  readonly needed: number;
  readonly answersFrom: number;
}

function checked(
  healthCheck: HealthCheck,
  before: readonly Stage[],
  { firstCheck, needed, answersFrom }: Checks,
): ModelTarget {
  const { intervalSeconds: interval, healthyThreshold, unhealthyThreshold } = healthCheck;
  const unhealthyAt = firstCheck + (unhealthyThreshold - 1) * interval;
  const failed = Math.max(0, Math.ceil((answersFrom - firstCheck) / interval));
  const isUnhealthy = failed >= unhealthyThreshold;
  const passes = isUnhealthy ? healthyThreshold : needed;
  const healthyAt = firstCheck + (failed + passes - 1) * interval;
  const unhealthy = { from: unhealthyAt, state: "unhealthy", reason: "Target.FailedHealthChecks" };
  const healthy = { from: healthyAt, state: "healthy" };
  const stages = [...before, ...(isUnhealthy ? [unhealthy] : []), healthy];
  return { healthCheck, healthyAt, stages };
}
