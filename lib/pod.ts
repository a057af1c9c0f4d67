/** A lifecycle with the real ports: the SDK, the system's clock, hooks, the pod's network. */
import { Application } from "./application/application.ts";
import { SdkLoadBalancing } from "./aws/client.ts";
import { limited } from "./aws/limits.ts";
import { measured } from "./aws/measured.ts";
import type { Config } from "./config/config.ts";
import { createHooks } from "./hooks/runner.ts";
import { isInRange, LOOPBACK } from "./host/address.ts";
import { systemClock } from "./host/clock.ts";
import type { Connections } from "./host/connections.ts";
import type { LineWriter } from "./host/line_writer.ts";
import { type Log, printable } from "./host/log.ts";
import { giveMemoryBack } from "./host/memory.ts";
import type { Reap } from "./host/reaper.ts";
import type { StateFile } from "./host/state_file.ts";
import type { StopSignals } from "./host/signals.ts";
import type { ServerConfig, ServerPorts } from "./http/server.ts";
import { Stats } from "./http/stats.ts";
import { CurrentIntent } from "./lifecycle/current_intent.ts";
import { runLifecycle } from "./lifecycle/lifecycle.ts";
import type { LifecycleOutcome } from "./lifecycle/outcome.ts";
import { rehearseLifecycle } from "./lifecycle/rehearsal.ts";
import { createView, Progress } from "./lifecycle/status.ts";

/** What a lifecycle in a pod is given besides its configuration. */
export interface World {
  readonly log: Log;
  readonly signals: StopSignals;
  /** Where `-check` prints. */
  readonly stdout: LineWriter;
  /** Whether `/bin/sh` is there. */
  readonly shell: boolean;
  /** Reaps what hooks leave, where that is the sidecar's to do and can be done. */
  readonly reap: Reap | undefined;
  /** What outlives the process, where there is a file for it. */
  readonly stateFile: StateFile | undefined;
  /** What is probably a mistake in the flags and in the pod. */
  readonly warnings: readonly string[];
  /** The pod's connections, where they are to be counted and can be. */
  readonly connections: Connections | undefined;
}

/** Runs one lifecycle in the pod that this process runs in. @throws {Failure} It cannot listen. */
export async function runInPod(config: Config, world: World): Promise<LifecycleOutcome> {
  const { log, signals, shell, reap, connections: counted, stateFile } = world;
  const clock = systemClock;
  if (config.check) return await checkPod(config, world);
  for (const warning of world.warnings) log.warn(warning);
  const stats = new Stats();
  const progress = new Progress(clock, stats);
  const { gracePeriod } = config;
  const intent = new CurrentIntent({ clock, signals, gracePeriod, stateFile });
  const podHosts = ["localhost", ...LOOPBACK, ...config.target.ids];
  const application = new Application({ ...config.application, clock, log, podHosts });
  const view = createView({
    ...{ progress, intent, clock, application, connections: counted?.count },
    minDrainTime: config.drain.minTime,
  });
  using client = new SdkLoadBalancing(config.api, log);
  const onIdle = () => {
    giveMemoryBack();
    client.warmUp();
    void rehearseLifecycle(config).catch(() => {});
  };
  await using _ = config.service &&
    await serve(config.service, { log, view, clock, stats, onIdle });
  return await runLifecycle(config, {
    ...{ clock, log, intent, progress, onIdle, observer: stats },
    elb: limited(measured(client, stats), clock),
    hooks: createHooks(config.hooks, { clock, log, shell, reap, onEnd: stats.onHook }),
    application,
    ...(counted !== undefined && { connections: followed(config, counted, application) }),
  });
}

/**
 * Who connects to the target. The sidecar's own checks of the application are no clients; and on the
 * host's network, where the pod has the node's address, the counter is the whole node's.
 */
function followed(
  { service, target }: Config,
  counted: Connections,
  application: Application,
): Connections["follow"] {
  const isOnHost = target.ids.some((id) =>
    service?.drainAllow.some((range) => isInRange(id, range))
  );
  return (endpoints) => {
    const count = counted.follow(endpoints);
    return () => {
      const { accepted, ...seen } = count();
      if (isOnHost || accepted === undefined) return seen;
      return { ...seen, accepted: accepted - application.connectionsInPod };
    };
  };
}

/** Loaded only for `-listen`. */
async function serve(config: ServerConfig, ports: ServerPorts): Promise<AsyncDisposable> {
  const server = await import("./http/server.ts");
  return await server.serve(config, ports);
}

/** Loaded here and not before: a lifecycle does without it. */
async function checkPod(
  config: Config,
  { log, signals, stdout, warnings }: World,
): Promise<LifecycleOutcome> {
  const { preflight } = await import("./preflight.ts");
  const { identify } = await import("./aws/credentials/identity.ts");
  using client = new SdkLoadBalancing(config.api, log);
  const outcome = await preflight(config, {
    ...{ elb: limited(client, systemClock), clock: systemClock, log, stop: signals.stop, warnings },
    identify: (signal) => identify(config.api, signal),
    print: (line) => stdout.write(printable(line)),
  });
  // A pager may take its time.
  await stdout.flush(signals.stop);
  return outcome;
}
