/** The settings of the target groups that `deploy/terraform` makes, as far as rollouts need them. */

const read = (file: string) =>
  Deno.readTextFileSync(new URL(`../../deploy/terraform/${file}`, import.meta.url));

/** What a pattern finds in a file. @throws {Error} Nothing. */
function found(file: string, pattern: RegExp): string {
  const [, value] = pattern.exec(read(file)) ?? [];
  if (value === undefined) throw new Error(`${file} has no ${pattern.source}`);
  return value;
}

const GROUPS = "load_balancer.tf";

/** In seconds of a real cluster, where they are times. */
export const TERRAFORM = {
  deregistrationDelay: Number(
    found("variables.tf", /"deregistration_delay" \{[^}]*default\s*=\s*(\d+)/),
  ),
  connectionTermination: found(GROUPS, /\sconnection_termination\s*=\s*(\w+)/) === "true",
  unhealthyConnectionTermination:
    found(GROUPS, /enable_unhealthy_connection_termination\s*=\s*(\w+)/) === "true",
  healthyThreshold: Number(found(GROUPS, /\shealthy_threshold\s*=\s*(\d+)/)),
  unhealthyThreshold: Number(found(GROUPS, /unhealthy_threshold\s*=\s*(\d+)/)),
} as const;
