/** A whole lifecycle with inert ports, so that all that a stop runs through has run before. */
import type { ElasticLoadBalancing } from "../aws/elb.ts";
import { limited } from "../aws/limits.ts";
import type { Config } from "../config/config.ts";
import { systemClock } from "../host/clock.ts";
import { createLog } from "../host/log.ts";
import { logStops, StopRequested } from "../host/signals.ts";
import { CurrentIntent } from "./current_intent.ts";
import { runLifecycle } from "./lifecycle.ts";
import type { LifecycleOutcome } from "./outcome.ts";
import { Progress } from "./status.ts";

const GROUP = "rehearsal";
const TARGET = "10.0.0.1";

/** An API without a network: its group takes the target, and lets it go at once. */
function inertApi(): ElasticLoadBalancing {
  let isRegistered = false;
  const healthCheck = { enabled: true, intervalSeconds: 30 };
  return {
    describeTargetGroups: () =>
      Promise.resolve([{
        ...{ arn: GROUP, name: GROUP, targetType: "ip", ipAddressType: "ipv4", port: 1 },
        healthCheck: { ...healthCheck, healthyThreshold: 5, unhealthyThreshold: 2 },
        loadBalancerArns: [GROUP],
      }]),
    registerTarget: (_group, _target, { onSend }) => {
      onSend?.();
      isRegistered = true;
      return Promise.resolve();
    },
    deregisterTarget: () => {
      isRegistered = false;
      return Promise.resolve();
    },
    describeTargetHealth: (_group, target) =>
      Promise.resolve(
        isRegistered
          ? { target, state: "healthy" }
          : { target, state: "unused", reason: "Target.NotRegistered" },
      ),
    groupAttributes: () => Promise.resolve({ deregistrationDelay: 0, all: {} }),
  };
}

/**
 * V8 drops compiled code when memory is given back, and compiles it again when it is needed: after
 * a stop signal that takes longer than all else. A rehearsal compiles it while there is time. No
 * call, no line of the log and no hook comes of it.
 */
export async function rehearseLifecycle(config: Config): Promise<LifecycleOutcome> {
  const clock = systemClock;
  const [stop, forcedStop] = [new AbortController(), new AbortController()];
  const signals = { stop: stop.signal, forcedStop: forcedStop.signal };
  const log = createLog({ ...config.log, level: "info", write: () => {} });
  logStops(signals, log);
  return await runLifecycle({
    ...config,
    groups: [{ by: "name", name: GROUP }],
    target: { ids: [TARGET], lookUp: false },
    inService: { ...config.inService, wait: false },
    drain: { ...config.drain, wait: false },
    watchInterval: 0,
  }, {
    ...{ clock, log, progress: new Progress(clock), elb: limited(inertApi(), clock) },
    intent: new CurrentIntent({ clock, signals, gracePeriod: 0 }),
    hooks: { run: () => Promise.resolve({ outcome: "succeeded" }) },
    application: { wait: () => Promise.resolve(), restarted: () => new Promise(() => {}) },
    onIdle: () => stop.abort(new StopRequested("SIGTERM")),
  });
}
