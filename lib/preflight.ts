/** `-check`: what a run would do, and what it lacks, without registering anything. */
import type { ElasticLoadBalancing, GroupAttributes } from "./aws/elb.ts";
import { ApiError } from "./aws/errors.ts";
import { REQUEST_TIMEOUT } from "./aws/retry.ts";
import type { Identity } from "./aws/credentials/identity.ts";
import type { Config } from "./config/config.ts";
import { HOOK_EVENTS } from "./hooks/hook.ts";
import { listenAddressText } from "./host/address.ts";
import type { Clock } from "./host/clock.ts";
import { durationText, type Milliseconds } from "./host/duration.ts";
import { EXIT, type ExitName } from "./host/exit.ts";
import type { Log } from "./host/log.ts";
import { publicPart, withoutSecrets } from "./host/public_part.ts";
import { type LifecycleOutcome, outcomeOf } from "./lifecycle/outcome.ts";
import {
  type Attachment,
  type Group,
  isTcp,
  resolveGroups,
  unseenTraffic,
} from "./registration/resolve.ts";
import { membershipIn } from "./registration/health.ts";

/** Ports of a preflight. */
export interface PreflightPorts {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
  /** What is probably a mistake in the flags and in the pod. */
  readonly warnings: readonly string[];
  /** Reports whose credentials the SDK finds. */
  readonly identify: (signal: AbortSignal) => Promise<Identity>;
  /** Prints one line on stdout. */
  readonly print: (line: string) => void;
}

/**
 * Checks everything that can be checked without registering, and prints what it finds.
 * @returns How a run would end, if it is certain to fail; else `done`.
 */
export async function preflight(config: Config, ports: PreflightPorts): Promise<LifecycleOutcome> {
  const report = new Report(config, ports);
  await report.identity();
  report.plan();
  for (const warning of ports.warnings) report.warn(warning);
  try {
    const { groups, target, timeouts, api: { region } } = config;
    const { elb, clock, log, stop } = ports;
    const attachments = await resolveGroups(groups, { ...target, lookUp: true }, {
      ...{ elb, clock, log, stop, time: Math.min(timeouts.resolve, LONGEST_SEARCH), region },
    });
    for (const attachment of attachments) {
      report.group(attachment);
      await report.rights(attachment);
    }
  } catch (reason) {
    return outcomeOf(reason, "the check was stopped");
  }
  return report.ending();
}

/** A run retries without a limit; a check says what is wrong. */
const LONGEST_SEARCH: Milliseconds = 30_000;

/** How many pods stop together, in what is printed of the grace period. */
const FLEETS: readonly number[] = [1, 50, 500, 5_000];

/** The seconds of a grace period that a stop takes at most, where so many pods stop together. */
export function graceSeconds({ hooks, drain, service, timeouts }: Config, pods: number): number {
  const isDrained = drain.wait || service !== undefined;
  const steps = hooks["pre-deregister"].timeout + timeouts.confirmSettle +
    (isDrained ? drain.timeout : 0) + hooks["post-deregister"].timeout;
  return Math.ceil(steps / 1_000) + fleetGraceSeconds(pods);
}

/**
 * The seconds of a grace period that deregistering takes, where so many pods stop together. The API
 * takes 4 calls a second of an account (docs/scale.md); a third more is for retries.
 */
export function fleetGraceSeconds(pods: number): number {
  return 30 + Math.floor(pods / 3);
}

class Report {
  readonly #config: Config;
  readonly #ports: PreflightPorts;
  #warnings = 0;
  #exit: ExitName = "done";

  constructor(config: Config, ports: PreflightPorts) {
    this.#config = config;
    this.#ports = ports;
  }

  async identity(): Promise<void> {
    const { endpointUrl = "", region } = this.#config.api;
    const { clock, stop } = this.#ports;
    this.#say("endpoint", publicPart(endpointUrl) || "the region's own, or AWS_ENDPOINT_URL");
    try {
      const identity = await this.#ports.identify(clock.within(REQUEST_TIMEOUT, stop));
      const { caller } = identity;
      this.#say("region", identity.region);
      this.#say("credentials", `from ${identity.source}`);
      this.#say("identity", "arn" in caller ? caller.arn : `unknown: ${caller.unknown}`);
    } catch (error) {
      // Resolving reports it too, with the right exit code.
      this.#say("region", region ?? "not known");
      this.#say("credentials", error instanceof Error ? error.message : String(error));
    }
  }

  /** What the configuration says. */
  plan(): void {
    const { application, hooks, service, drain, watchInterval } = this.#config;
    this.#say("target", this.#config.target.ids.join(", "));
    for (const { url } of application.addresses) this.#say("waits for", url);
    for (const event of HOOK_EVENTS) {
      const { command, url, timeout } = hooks[event];
      const time = `, ${durationText(timeout)} at most`;
      if (command) this.#say(event, `runs ${JSON.stringify(withoutSecrets(command))}${time}`);
      if (url) this.#say(event, `posts to ${publicPart(url)}${time}`);
    }
    if (service === undefined) {
      this.#say("listens", "no: without -listen no probe and no preStop hook can call it");
    } else {
      this.#say("listens", `on ${listenAddressText(service.listen)}`);
    }
    const decides = drain.idle ? "no connection is left" : "the API reports it";
    this.#say(
      "drained",
      `after at least ${durationText(drain.minTime)}, once ${decides}` +
        (drain.wait || service !== undefined ? "" : "; no wait without -wait-drained"),
    );
    const seconds = FLEETS.map((pods) => `${graceSeconds(this.#config, pods)} s (${pods})`).join(
      ", ",
    );
    this.#say(
      "grace period",
      `${seconds} for so many pods that stop together, besides the application's end`,
    );
    if (watchInterval > 0) this.#say("watches", `every ${durationText(watchInterval)}`);
  }

  /** The group's settings, and what is odd about them. */
  group({ group, target }: Attachment): void {
    const { healthCheck, loadBalancerArns = [] } = group;
    const { intervalSeconds, healthyThreshold, unhealthyThreshold } = healthCheck;
    this.#say("target group", `${group.name}, ${group.arn}`);
    this.#say("  takes", `${group.targetType} targets, ${group.ipAddressType}`);
    const protocol = group.protocol ?? "unknown protocol";
    this.#say("  port", `${target.port ?? group.port} (${protocol})`);
    this.#say(
      "  health check",
      `${healthCheck.port ?? "traffic-port"} every ${intervalSeconds} s, healthy after ` +
        `${healthyThreshold}, unhealthy after ${unhealthyThreshold}`,
    );
    if ((healthCheck.timeoutSeconds ?? 0) > intervalSeconds) {
      this.warn(
        `a health check of ${group.name} may take ${healthCheck.timeoutSeconds} s, longer than ` +
          `its interval of ${intervalSeconds} s: lower the timeout`,
      );
    }
    if (this.#config.drain.idle && !isTcp(group)) this.warn(unseenTraffic(group));
    if (!healthCheck.enabled) {
      this.#notInService(
        `health checks of ${group.name} are disabled: no target ever becomes healthy`,
      );
    }
    if (loadBalancerArns.length === 0) {
      this.#notInService(`no listener forwards to ${group.name}: its targets stay unused`);
    }
    if (healthCheck.port !== undefined && healthCheck.port !== "traffic-port") {
      this.warn(
        `${group.name} is checked on port ${healthCheck.port}, not on the traffic port: ` +
          "check that what answers there reflects the application's health, as /target does",
      );
    }
  }

  /** Tries the calls that change nothing, and what deregistering an absent target shows. */
  async rights({ group, target }: Attachment): Promise<void> {
    const { arn } = group;
    const { elb, stop: signal } = this.#ports;
    const health = await this.#try(
      () => elb.describeTargetHealth(arn, target, { signal }),
      this.#config.inService.required ? "notRegistered" : "done",
    );
    const attributes = await this.#try(() => elb.groupAttributes(arn, { signal }));
    if (attributes !== undefined) this.#attributes(group, attributes);
    if (health === undefined) return;
    const where = membershipIn(health);
    this.#say("  registered", where === "absent" ? "no" : `yes: ${health.state}`);
    if (where !== "absent") return;
    // The API succeeds, and changes nothing, for a target that is not registered.
    const failed = "deregistrationNotConfirmed";
    await this.#try(() => elb.deregisterTarget(arn, target, { signal }), failed);
  }

  #attributes(
    { name, healthCheck }: Group,
    { deregistrationDelay: delay, all }: GroupAttributes,
  ): void {
    const { drain, service } = this.#config;
    this.#say("  deregistration delay", durationText(delay));
    const isWaitedFor = drain.wait || service !== undefined;
    if (isWaitedFor && !drain.idle && delay >= drain.timeout) {
      this.warn(
        `the deregistration delay of ${name}, ${durationText(delay)}, is not shorter than ` +
          `-wait-drained-timeout, ${durationText(drain.timeout)}: no drain would finish in time`,
      );
    }
    const isOn = (attribute: string) => all[attribute] === "true";
    if (isOn("deregistration_delay.connection_termination.enabled") && drain.minTime > delay) {
      this.warn(
        `the load balancer closes the connections of ${name} ${durationText(delay)} after ` +
          `DeregisterTargets, before -min-drain-time, ${durationText(drain.minTime)}, is over: ` +
          "raise the deregistration delay, or turn off " +
          "deregistration_delay.connection_termination.enabled",
      );
    }
    const isOurs = healthCheck.path === "/target" &&
      healthCheck.port === `${service?.listen.port}`;
    if (isOurs && isOn("target_health_state.unhealthy.connection_termination.enabled")) {
      this.warn(
        `the health check of ${name} is /target, which fails during a drain, and the load ` +
          "balancer then closes its connections: turn off " +
          "target_health_state.unhealthy.connection_termination.enabled",
      );
    }
    if (all["load_balancing.cross_zone.enabled"] === "false") {
      this.warn(
        `cross-zone load balancing of ${name} is off: clients of a zone without a healthy target ` +
          "reach none; spread the pods over all zones of the load balancer",
      );
    }
  }

  ending(): LifecycleOutcome {
    if (this.#exit !== "done") {
      return {
        exit: this.#exit,
        message: `the check found an error that would end a run; warnings: ${this.#warnings}`,
      };
    }
    const found = this.#warnings === 0
      ? "check passed"
      : `check finished with warnings: ${this.#warnings}`;
    return {
      exit: "done",
      message: `${found}; RegisterTargets was not tried, because it would register the target`,
    };
  }

  async #try<T>(call: () => Promise<T>, exit: ExitName = "done"): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.warn(error.message);
      // A run retries the others.
      if (!error.retryable) this.#endsWith(exit);
      return undefined;
    }
  }

  /** A run waits for the target to become healthy, and does not fail unless that is required. */
  #notInService(message: string): void {
    this.warn(message);
    if (this.#config.inService.required) this.#endsWith("notRegistered");
  }

  /** What may be left registered outweighs that it is not in service, as in a run. */
  #endsWith(exit: ExitName): void {
    if (EXIT[exit] > EXIT[this.#exit]) this.#exit = exit;
  }

  #say(what: string, text: string): void {
    this.#ports.print(`${`${what}:`.padEnd(24)}${text}`);
  }

  warn(message: string): void {
    this.#warnings++;
    this.#ports.print(`WARNING: ${message}`);
  }
}
