/** All that a lifecycle reaches the world through. */
import type { ElasticLoadBalancing } from "../aws/elb.ts";
import type { Hooks } from "../hooks/hook.ts";
import type { Clock } from "../host/clock.ts";
import type { Connections } from "../host/connections.ts";
import type { Log } from "../host/log.ts";
import type { CurrentIntent } from "./current_intent.ts";
import type { Observer, Progress } from "./status.ts";

/** The application in the pod, as `-wait-for` checks it. */
export interface Application {
  /** Waits until it answers. @throws {Failure} It does not. @throws The reason of `stop`. */
  wait(stop: AbortSignal): Promise<void>;
  /**
   * Waits until it has gone away and come back: for ever, where nothing is known of it.
   * @throws The reason of `signal`, which has ended before.
   */
  restarted(signal: AbortSignal): Promise<void>;
}

/** The ports of a lifecycle. */
export interface Ports {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly log: Log;
  readonly application: Application;
  /** What the sidecar is to do: signals, clients and the lifecycle itself send their events there. */
  readonly intent: CurrentIntent;
  /** Where the lifecycle writes how far it is. */
  readonly progress: Progress;
  readonly observer?: Observer;
  /** Called when nothing is to be done for long. */
  readonly onIdle?: () => void;
  /** Follows the connections to endpoints from outside the pod, where they can be seen. */
  readonly connections?: Connections["follow"];
}
