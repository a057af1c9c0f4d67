/** The errors of the API: a code, an HTTP status and a message, as clients see them. */

/** An error reply of the API. */
export class AwsError extends Error {
  override readonly name = "AwsError";

  constructor(readonly code: string, readonly status: number, message: string) {
    super(message);
  }
}

/** A parameter has a value that the API does not take. */
export function validationError(message: string): AwsError {
  return new AwsError("ValidationError", 400, message);
}

/** The load balancer has as many targets as its quota allows. */
export function tooManyTargets(quota: number): AwsError {
  const words = `You cannot have more than ${quota} targets per network load balancer with ` +
    "cross-zone load balancing enabled.";
  return new AwsError("TooManyTargets", 400, words);
}

/** There is no such target group. */
export function targetGroupNotFound(arn?: string): AwsError {
  const groups = arn === undefined ? "One or more target groups" : `Target groups '${arn}'`;
  return new AwsError("TargetGroupNotFound", 400, `${groups} not found`);
}
