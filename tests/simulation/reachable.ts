/** Which incidents can come in which phases: what a run has to have hit to count as complete. */
import { type Phase as LifecyclePhase, PHASES as LIFECYCLE } from "../../lib/lifecycle/status.ts";

/** Where a life is, as far as its calls, hooks and log lines tell: confirming is deregistering too. */
export type Phase = Exclude<LifecyclePhase, "ended"> | "confirming";

const PHASES: readonly Phase[] = LIFECYCLE.flatMap((phase): Phase[] => {
  if (phase === "ended") return [];
  return phase === "deregistering" ? [phase, "confirming"] : [phase];
});

/** Phases with calls to the API. */
const CALLING: readonly Phase[] = [
  "resolving",
  "registering",
  "waiting-in-service",
  "serving",
  "deregistering",
  "confirming",
  "draining",
];
const HOOKS: readonly Phase[] = [
  "pre-register",
  "post-register",
  "pre-deregister",
  "post-deregister",
];
/** A stop ends the other phases at once. */
const AFTER_STOP: readonly Phase[] = [
  "pre-register",
  "pre-deregister",
  "deregistering",
  "confirming",
  "draining",
  "post-deregister",
];

/** What can happen to a life from outside, and where. A new kind of event is a line here. */
const REACHABLE = {
  "stop signal": PHASES,
  "second stop signal": AFTER_STOP,
  "uncaught fault": PHASES,
  "foreign deregistration": PHASES,
  "foreign registration": PHASES,
  "drain": PHASES,
  "register": PHASES,
  "application restart": PHASES,
  "application unready": PHASES,
  "pod deletion": PHASES,
  "rival": PHASES,
  "late application": CALLING,
  "lost reply": CALLING,
  "applied twice": CALLING,
  "never applied": CALLING,
  "throttled": CALLING,
  "server error": CALLING,
  "refused connection": CALLING,
  "final refusal": CALLING,
  "slow credentials": CALLING,
  "refused credentials": CALLING,
  "quota": ["registering", "serving"],
  "stale reply": CALLING,
  "hook fails": HOOKS,
  "hook hangs": HOOKS,
} satisfies Readonly<Record<string, readonly Phase[]>>;
export type Incident = keyof typeof REACHABLE;

/** All pairs that can be, as `phase|incident`. */
const PAIRS = Object.entries(REACHABLE).flatMap(([incident, phases]) =>
  phases.map((phase) => `${phase}|${incident}`)
);

/** How many of the reachable pairs were hit, and which were not, or should not have been. */
export function coverage(hits: ReadonlySet<string>): {
  readonly reached: string;
  readonly missed: string[];
  readonly unexpected: string[];
} {
  const missed = PAIRS.filter((pair) => !hits.has(pair));
  return {
    reached: `${PAIRS.length - missed.length} of ${PAIRS.length} reachable pairs`,
    missed,
    unexpected: [...hits].filter((pair) => !PAIRS.includes(pair)),
  };
}
