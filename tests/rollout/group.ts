/** The target group that rollouts are tried with. */
import type { GroupOptions } from "../emulator/settings.ts";
import { NAME, PORTS } from "./manifests.ts";
import type { Strategy } from "./strategies.ts";
import { here, SCALE } from "./time.ts";

/**
 * How long new connections go to a target after DeregisterTargets, in real seconds, as users
 * measured it: aws/containers-roadmap issue 470, aws-load-balancer-controller issue 2366.
 */
export const SENDS = 120;

/** A check each second here is one in 20 s of a real cluster: the API knows whole seconds only. */
const INTERVAL = 1;
/** The least that AWS takes. */
const THRESHOLD = 2;
/** How long a registration takes to be known to the load balancer, in real seconds. */
const REGISTERING = 20;
/**
 * Before a deregistered target is gone, in real seconds. The default of AWS is 300; the grace
 * period of the manifests has room for that, but here the part of it that the sidecar keeps for
 * its last calls is not any shorter.
 */
const DEREGISTRATION_DELAY = 240;
/** In seconds here: a check that is late is the fault of the machine that all of this runs on. */
const CHECK_TIMEOUT = 20;

/**
 * The group, with its times as they are here, so that clients are told what is true.
 * @param sends How long new connections come after DeregisterTargets, in real seconds.
 */
export function groupOf({ registrar }: Strategy, sends: number = SENDS): GroupOptions {
  const asksSidecar = registrar.by === "sidecar" && registrar.healthCheck === "/target";
  return {
    name: NAME,
    port: PORTS.application,
    listener: true,
    health: asksSidecar ? { check: "http", path: "/target" } : { check: "tcp" },
    // Else the load balancer cuts all connections of a target that fails its check, as by default.
    ...(asksSidecar && { healthCheckPort: PORTS.sidecar, unhealthyConnectionTermination: false }),
    healthCheckIntervalSeconds: INTERVAL,
    healthCheckTimeoutSeconds: CHECK_TIMEOUT,
    healthyThresholdCount: THRESHOLD,
    unhealthyThresholdCount: THRESHOLD,
    registering: here(REGISTERING),
    deregistrationDelaySeconds: DEREGISTRATION_DELAY / SCALE,
    sendsAfterDeregistration: here(sends),
  };
}
