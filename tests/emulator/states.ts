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
}

/** A target's change from one state to another. */
export interface StateChange {
  readonly target: Target;
  readonly from: TargetState;
  readonly to: TargetState;
}

export const NOT_REGISTERED: TargetState = {
  state: "unused",
  reason: "Target.NotRegistered",
  description: "Target is not registered to the target group",
};

export const NOT_IN_USE: TargetState = {
  state: "unused",
  reason: "Target.NotInUse",
  description: "Target group is not configured to receive traffic from the load balancer",
};

export const REGISTERING: TargetState = {
  state: "initial",
  reason: "Elb.RegistrationInProgress",
  description: "Target registration is in progress",
};

export const CHECKING: TargetState = {
  state: "initial",
  reason: "Elb.InitialHealthChecking",
  description: "Initial health checks in progress",
};

export const HEALTHY: TargetState = { state: "healthy" };

export const UNHEALTHY: TargetState = {
  state: "unhealthy",
  reason: "Target.FailedHealthChecks",
  description: "Health checks failed",
};

export const CHECK_DISABLED: TargetState = {
  state: "unavailable",
  reason: "Target.HealthCheckDisabled",
  description: "Health checks are disabled",
};

export const DRAINING: TargetState = {
  state: "draining",
  reason: "Target.DeregistrationInProgress",
  description: "Target deregistration is in progress",
};
