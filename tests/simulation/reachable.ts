/** Which incidents can come in which phases: what a run has to have hit to count as complete. */
import { type Incident, INCIDENTS, type Phase, PHASES } from "./trace.ts";

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

const REACHABLE: Readonly<Record<Incident, readonly Phase[]>> = {
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
};

/** All pairs that can be, as `phase|incident`. */
export const REACHABLE_PAIRS: ReadonlySet<string> = new Set(
  INCIDENTS.flatMap((incident) => REACHABLE[incident].map((phase) => `${phase}|${incident}`)),
);

/** How many of the reachable pairs were hit, and which were not, or should not have been. */
export function coverage(hits: ReadonlyMap<string, number>): {
  readonly missed: string[];
  readonly unexpected: string[];
} {
  return {
    missed: [...REACHABLE_PAIRS].filter((pair) => !hits.has(pair)),
    unexpected: [...hits.keys()].filter((pair) => !REACHABLE_PAIRS.has(pair)),
  };
}

/** The hits as a table: incidents down, phases across; `·` is what cannot be. */
export function coverageTable(hits: ReadonlyMap<string, number>): string {
  const rows = INCIDENTS.map((incident) => [
    incident,
    ...PHASES.map((phase) => {
      const pair = `${phase}|${incident}`;
      return REACHABLE_PAIRS.has(pair) ? String(hits.get(pair) ?? "MISSED") : "·";
    }),
  ]);
  const all = [["", ...PHASES], ...rows];
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0))
  );
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths?.[column] ?? 0) : text.padStart(widths?.[column] ?? 0);
  return all.map((row) => row.map(cell).join("  ")).join("\n");
}
