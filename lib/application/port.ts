/** The application in the pod, as the lifecycle knows it: it answers, and it may be restarted. */
import type { ApplicationAddress } from "../config/addresses.ts";
import type { Clock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { waitForApplication } from "./application.ts";
import type { ApplicationMonitor } from "./monitor.ts";
import type { Probe } from "./probe.ts";

/** What the port is made of. */
export interface ApplicationOptions {
  /** `-wait-for`; empty: nothing is known of the application. */
  readonly addresses: readonly ApplicationAddress[];
  /** `-wait-for-timeout`. */
  readonly timeout: Milliseconds;
  readonly clock: Clock;
  readonly log: Log;
  readonly monitor: ApplicationMonitor;
  /** Stands in for real connections. */
  readonly probe?: Probe;
}

/** The application in the pod. */
export class Application {
  readonly #options: ApplicationOptions;

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /** Waits until it answers. @throws {Failure} It does not. @throws The reason of `stop`. */
  async wait(stop: AbortSignal): Promise<void> {
    const { addresses, clock, log, timeout, monitor, probe } = this.#options;
    await waitForApplication(addresses, {
      ...{ clock, log, time: timeout, stop },
      ...(probe !== undefined && { probe }),
      onAnswer: (url, ready) => monitor.record(url, ready),
    });
  }

  /**
   * Waits until it has gone away and come back: for ever, where nothing is known of it.
   * @throws The reason of `signal`, which has ended before.
   */
  async restarted(signal: AbortSignal): Promise<void> {
    const { log, monitor } = this.#options;
    await monitor.restarted(signal, () => log.info("the application has gone away"));
  }
}
