/** The states of a target, with the texts that go with them. */

/** A target of a group. */
export interface Target {
  readonly id: string;
  readonly port: number;
}

/** The health of a target, as DescribeTargetHealth gives it. */
export interface TargetState {
  readonly state: string;
  readonly reason?: string;
  readonly description?: string;
  /** As `zonal_shift_active`: no new connections, whatever the state. */
  readonly override?: string;
}

/** A target's change from one state to another. */
export interface StateChange {
  readonly target: Target;
  readonly from: TargetState;
  readonly to: TargetState;
}

/** By reason, the state and the description. */
const REASONS = {
  "Target.NotRegistered": ["unused", "Target is not registered to the target group"],
  "Target.NotInUse": [
    "unused",
    "Target group is not configured to receive traffic from the load balancer",
  ],
  "Elb.RegistrationInProgress": ["initial", "Target registration is in progress"],
  "Elb.InitialHealthChecking": ["initial", "Initial health checks in progress"],
  "Target.FailedHealthChecks": ["unhealthy", "Health checks failed"],
  "Target.HealthCheckDisabled": ["unavailable", "Health checks are disabled"],
  "Target.DeregistrationInProgress": ["draining", "Target deregistration is in progress"],
} as const;

function because(reason: keyof typeof REASONS): TargetState {
  const [state, description] = REASONS[reason];
  return { state, reason, description };
}

export const HEALTHY: TargetState = { state: "healthy" };
export const NOT_REGISTERED: TargetState = because("Target.NotRegistered");
export const NOT_IN_USE: TargetState = because("Target.NotInUse");
export const REGISTERING: TargetState = because("Elb.RegistrationInProgress");
export const CHECKING: TargetState = because("Elb.InitialHealthChecking");
export const UNHEALTHY: TargetState = because("Target.FailedHealthChecks");
export const CHECK_DISABLED: TargetState = because("Target.HealthCheckDisabled");
export const DRAINING: TargetState = because("Target.DeregistrationInProgress");
