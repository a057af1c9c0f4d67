/** What the HTTP service may know of a running life, and what it may ask of it. */

/** What the answers of the API say of a target; `unknown`: an answer is missing. */
export type Membership = "absent" | "registered" | "unknown" | "draining";

/** Where a life is; the order is that of a life. */
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

/** One target in one group. */
export interface GroupStatus {
  readonly name: string;
  readonly arn: string;
  readonly targetId: string;
  /** Undefined: not known, since a group given by its ARN is not looked up. */
  readonly port?: number;
  /** What the answers of the API so far say: is the target registered? */
  readonly membership: Membership;
  /** The last answer of DescribeTargetHealth; none before the first. */
  readonly health?: {
    readonly state: string;
    readonly reason?: string;
    /** How long ago it was, in milliseconds. */
    readonly age: number;
  };
  /** Why nobody asks for its health any more. */
  readonly fault?: string;
}

/** The state of a life. Times are in milliseconds. */
export interface Status {
  readonly phase: Phase;
  /** Since the phase began. */
  readonly inPhase: number;
  /** Since the process began to work. */
  readonly uptime: number;
  /** A stop signal came. */
  readonly stopping: boolean;
  /** A drain is under way, or has ended and was not undone. */
  readonly drainRequested: boolean;
  readonly groups: readonly GroupStatus[];
  /** While a target drains, and after it. */
  readonly drain?: {
    /** Since DeregisterTargets was answered. */
    readonly elapsed: number;
    /** What it takes at least (`-min-drain-time`). */
    readonly atLeast: number;
    readonly done: boolean;
  };
  /** Connections to the target from outside the pod; undefined: they are not looked at. */
  readonly connections?: number;
  /** Whether each of `-wait-for` answered when it was asked last; empty: there are none. */
  readonly application: readonly { readonly url: string; readonly ready: boolean }[];
}

/** How a drain that was asked for ended. */
export type DrainEnd =
  | { readonly outcome: "drained" }
  /** `reason`: not confirmed as deregistered, or not drained in time; a whole sentence. */
  | { readonly outcome: "failed"; readonly reason: string };

/** The life, as its HTTP service sees it. */
export interface View {
  status(): Status;
  /** Whether the application answers (`-wait-for`); true where nothing is to be asked. */
  applicationAnswers(): Promise<boolean>;
  /** Begins a drain, or joins the one that is under way. Never rejects. */
  drain(): Promise<DrainEnd>;
  /** Undoes a drain. `not-drained`: there is none; `stopping`: it is too late. */
  register(): "registering" | "not-drained" | "stopping";
}
