/** The status of a running sidecar: what is known at any moment, for clients of the HTTP server. */
import type { Clock } from "../host/clock.ts";
import type { Connections } from "../host/connections.ts";
import type { Milliseconds } from "../host/duration.ts";
import { type DrainWaitOutcome, endpoints } from "../registration/drain.ts";
import { type Membership, membershipIn } from "../registration/health.ts";
import type { Registration } from "../registration/registration.ts";
import type { CurrentIntent, RegisterAnswer } from "./current_intent.ts";
import { isDrainAwaited } from "./intent.ts";
import type { DrainOutcome } from "./outcome.ts";

/** Where a lifecycle is, in the order of a registration cycle. */
export const PHASES = [
  "resolving",
  "waiting-for-application",
  "pre-register",
  "registering",
  "waiting-in-service",
  "post-register",
  "serving",
  "pre-deregister",
  "deregistering",
  "draining",
  "post-deregister",
  "drained",
  "ended",
] as const;
export type Phase = typeof PHASES[number];

/** One target in one group; what is not known is undefined. */
export interface GroupStatus {
  readonly name: string;
  readonly arn: string;
  readonly target_id: string;
  /** Undefined: a group given by its ARN is not looked up. */
  readonly port?: number | undefined;
  /** In groups that serve QUIC. */
  readonly quic_server_id?: string | undefined;
  /** What the answers of the API so far prove; `unknown`: an answer is missing. */
  readonly membership: Membership["at"];
  /** The last answer of DescribeTargetHealth; none before the first. */
  readonly health?: {
    readonly state: string;
    readonly reason?: string | undefined;
    /** What keeps new connections from it whatever its state, such as `zonal_shift_active`. */
    readonly override?: string | undefined;
    readonly age_seconds: number;
  } | undefined;
  /** Why its health is not observed any more. */
  readonly error?: string | undefined;
}

/** The status: the document that `/status` answers with, as `docs/http.md` describes it. */
export interface Status {
  /** Changes when a field changes its meaning or disappears; new ones may come without that. */
  readonly version: 1;
  readonly phase: Phase;
  readonly in_phase_seconds: number;
  readonly uptime_seconds: number;
  /** A stop signal came. */
  readonly stopping: boolean;
  /** A drain is under way, or has ended and was not undone. */
  readonly drain_requested: boolean;
  /**
   * Every target was in service once, and neither a drain nor a stop has come since. It does not
   * follow the load balancer's checks any further: a bad hour of these must not take the pod out of
   * every Service in the cluster too.
   */
  readonly ready: boolean;
  readonly groups: readonly GroupStatus[];
  /** While a target drains, and after it. */
  readonly drain?: {
    /** Since DeregisterTargets was answered. */
    readonly elapsed_seconds: number;
    /** `-min-drain-time`. */
    readonly at_least_seconds: number;
    readonly done: boolean;
  } | undefined;
  /** Connections to the target from outside the pod; undefined: they are not counted. */
  readonly connections?: number | undefined;
  /** Whether each of `-wait-for` answered its last check; empty: there are none. */
  readonly application: readonly { readonly url: string; readonly ready: boolean }[];
}

/** The sidecar, as its HTTP server sees it. */
export interface View {
  status(): Status;
  /** Whether the application answers (`-wait-for`); true where there is nothing to check. */
  applicationAnswers(): Promise<boolean>;
  /** Begins a drain, or joins the one that is under way. Never rejects. */
  drain(): Promise<DrainOutcome>;
  /** Undoes a drain. `not-drained`: there is none; `stopping`: it is too late. */
  register(): RegisterAnswer;
}

/** Told what happens in a lifecycle, to count it. */
export interface Observer {
  /** A phase has ended. */
  readonly onPhaseEnd?: (phase: Phase, took: Milliseconds) => void;
  /** A target that another client deregistered is registered again. */
  readonly onReregistered?: (groupArn: string) => void;
  /** A wait for a drain has ended. */
  readonly onDrainWaited?: (outcome: DrainWaitOutcome["outcome"]) => void;
  /** A stop deregistered a target, and does not wait until it is drained. */
  readonly onUndrainedStop?: () => void;
  /** Every target is deregistered, so long after a stop or a drain began. */
  readonly onDeregistered?: (took: Milliseconds) => void;
}

/** How far a lifecycle is: the lifecycle writes it, the status reads it. */
export class Progress {
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly started: Milliseconds;
  #phase: Phase = "resolving";
  #phaseBegan: Milliseconds;
  /** None before the groups are resolved. */
  registrations: readonly Registration[] = [];
  /** The drain of this registration cycle: since when the last target is deregistered. */
  drain: { readonly since: Milliseconds; readonly done: boolean } | undefined;

  constructor(clock: Clock, observer: Observer = {}) {
    this.#clock = clock;
    this.#observer = observer;
    this.started = this.#phaseBegan = clock.now();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get phaseBegan(): Milliseconds {
    return this.#phaseBegan;
  }

  /** A phase begins, and so the one before has ended; the same one continues. */
  enter(phase: Phase): void {
    if (phase === this.#phase) return;
    const now = this.#clock.now();
    this.#observer.onPhaseEnd?.(this.#phase, now - this.#phaseBegan);
    this.#phase = phase;
    this.#phaseBegan = now;
  }

  /** A registration cycle begins: what was observed in the last one is out of date. */
  begin(): void {
    this.drain = undefined;
    for (const registration of this.registrations) registration.begin();
  }
}

/** What the status is made of. */
export interface StatusSources {
  readonly progress: Progress;
  readonly intent: CurrentIntent;
  readonly clock: Clock;
  /** `-min-drain-time`. */
  readonly minDrainTime: Milliseconds;
  /** The application, as `-wait-for` checks it. */
  readonly application: {
    answers(): Promise<boolean>;
    last(): Status["application"];
  };
  /** Counts the clients that are served, where that can be. */
  readonly connections: Connections["count"] | undefined;
}

/** Makes the view of a lifecycle. */
export function createView(sources: StatusSources): View {
  const { intent, application } = sources;
  return {
    status: () => statusOf(sources),
    applicationAnswers: () => application.answers(),
    drain: () => intent.drain(),
    register: () => intent.register(),
  };
}

function statusOf(sources: StatusSources): Status {
  const { progress, intent, clock, minDrainTime, application, connections } = sources;
  const { phase, registrations, drain } = progress;
  const { state } = intent.now;
  const now = clock.now();
  return {
    version: 1,
    phase,
    in_phase_seconds: seconds(now - progress.phaseBegan),
    uptime_seconds: seconds(now - progress.started),
    stopping: state === "stopping" || state === "ended",
    drain_requested: state === "drained" || isDrainAwaited(intent.now),
    ready: state === "serving" && registrations.length > 0 &&
      registrations.every(({ observation }) => observation.wasInService),
    groups: registrations.map((one) => groupStatus(one, now)),
    drain: drain && {
      elapsed_seconds: seconds(now - drain.since),
      at_least_seconds: seconds(minDrainTime),
      done: drain.done,
    },
    connections: connections?.(endpoints(registrations)),
    application: application.last(),
  };
}

function groupStatus(registration: Registration, now: Milliseconds): GroupStatus {
  const { group, target, membership, observation: { last, ended }, settledAt } = registration;
  const isGone = membership.at === "registered" && last !== undefined &&
    last.at >= settledAt && membershipIn(last.health) === "absent";
  return {
    name: group.name,
    arn: group.arn,
    target_id: target.id,
    port: target.port ?? group.port,
    quic_server_id: registration.quicServerId,
    membership: isGone ? "absent" : membership.at,
    health: last && {
      state: last.health.state,
      reason: last.health.reason,
      override: last.health.override,
      age_seconds: seconds(now - last.at),
    },
    error: ended,
  };
}

function seconds(time: Milliseconds): number {
  return Math.round(time) / 1_000;
}
