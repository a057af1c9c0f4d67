/** All that the life of a sidecar reaches the world through. */
import type { ElasticLoadBalancing } from "../aws/elb.ts";
import type { Hooks } from "../hooks/hook.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { StopSignals } from "../host/signals.ts";
import type { Board, Observer } from "./board.ts";
import type { Requests } from "./intent.ts";

/** The application in the pod, as far as `-wait-for` tells of it. */
export interface Application {
  /** Waits until it answers. @throws {Failure} It does not. @throws The reason of `stop`. */
  wait(stop: AbortSignal): Promise<void>;
  /**
   * Waits until it has gone away and come back: for ever, where nothing is known of it.
   * @throws The reason of `signal`, which has ended before.
   */
  restarted(signal: AbortSignal): Promise<void>;
}

/** The ports of a life. */
export interface Ports {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly log: Log;
  readonly signals: StopSignals;
  readonly application: Application;
  /** What is asked of this life from outside. */
  readonly requests: Requests;
  /** Where this life says how far it is. */
  readonly board: Board;
  readonly observer?: Observer;
  /** Called when nothing is to be done for long: a good moment to tidy up. */
  readonly rest?: () => void;
  /** Counts the connections to a port of the target from outside the pod, where that can be. */
  readonly connections?: (id: string, port: number) => number;
}
