/** The emulator as tests see it. */
import type { AccessKey } from "./access_keys.ts";
import type { Call, EmulatorEvent } from "./events.ts";
import type { FaultRule } from "./faults.ts";
import type { Registration } from "./groups.ts";
import type { Traffic } from "./listener.ts";
import type { GroupOptions } from "./settings.ts";
import type { Target, TargetState } from "./states.ts";
import type { Trust } from "./sts.ts";

/** How the emulator starts. */
export interface EmulatorOptions {
  readonly groups?: readonly GroupOptions[];
  /** @default {0}, any free one. */
  readonly port?: number;
  /** @default {"eu-west-1"} */
  readonly region?: string;
  readonly faults?: readonly FaultRule[];
  /** Keys that are known beside `STATIC_KEY`. */
  readonly accessKeys?: readonly AccessKey[];
  /** How long issued credentials are good, in milliseconds. @default {3_600_000} */
  readonly credentialsLifetime?: number;
  /** Whom the credential endpoints trust. @default {TRUST} */
  readonly trust?: Partial<Trust>;
}

/** A target group of a running emulator. */
export interface RunningGroup {
  readonly name: string;
  readonly arn: string;
  /** The port on 127.0.0.1 from which connections are forwarded to its targets, if so. */
  readonly port?: number;
}

/** A running emulator; disposing it closes all connections and forgets what was delayed. */
export interface Emulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, of the API and of the credential endpoints. */
  readonly url: string;
  readonly region: string;
  /** The environment in which a client calls this emulator with `STATIC_KEY`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly groups: readonly RunningGroup[];
  /** All calls of the API so far, in order of arrival. */
  readonly calls: readonly Call[];
  /** All events so far. */
  readonly events: readonly EmulatorEvent[];
  readonly trust: Trust;

  /** The group's ARN. Here and below, groups are named by name or ARN. */
  arn(group: string): string;
  /** All targets that are registered or draining, with their true states. */
  targets(group: string): readonly Registration[];
  /** The targets that are registered and do not drain, whatever replies say of them yet. */
  registered(group: string): readonly Registration[];
  /**
   * The connections that were forwarded to the group's targets, and those that were not.
   * @throws {RangeError} Where the group has no listener.
   */
  traffic(group: string): Traffic;

  /** The first event from now on that fits; rejects after `PATIENCE`, or when the signal ends. */
  next(fits: (event: EmulatorEvent) => boolean, signal?: AbortSignal): Promise<EmulatorEvent>;
  /** As `next`, but an event of the past will do. */
  seen(fits: (event: EmulatorEvent) => boolean, signal?: AbortSignal): Promise<EmulatorEvent>;
  /** Calls the listener with each event to come, until the returned function is called. */
  listen(listener: (event: EmulatorEvent) => void): () => void;
  /** Settled when no call that was sent is still going to be applied; release held ones before. */
  settled(): Promise<void>;

  /** @throws {RangeError} Where it is no fault rule. */
  addFault(rule: FaultRule): void;
  /** Calls under way keep their faults. */
  clearFaults(): void;
  /** Lets the calls received so far go on, where a `hold` holds them. */
  release(): void;
  /** Closes the connections on which no call is under way. */
  closeIdleConnections(): void;
  /** Answers no more requests on the connections that are open now; new ones work. */
  silenceConnections(): void;

  /** Puts a registered target in a state in which it stays. */
  setHealth(group: string, target: Target, state: TargetState): void;
  /** Registers the target as if somebody else had called the API. */
  registerByOther(group: string, target: Target): void;
  /** Deregisters the target as if somebody else had called the API. */
  deregisterByOther(group: string, target: Target): void;
  /** Deletes the group; done when its listener is closed, if it has one. */
  deleteGroup(group: string): Promise<void>;
}
