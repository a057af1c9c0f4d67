/** `/status`: the status as a JSON document, which `docs/http.md` documents. */
import type { GroupStatus, Status } from "../lifecycle/status.ts";

/** Changes when a field changes its meaning or disappears; new fields may come without that. */
const VERSION = 1;

/** The document. Times are in seconds; unknown fields are left out. */
export function statusDocument(status: Status): unknown {
  const { drain, connections } = status;
  return {
    version: VERSION,
    phase: status.phase,
    in_phase_seconds: seconds(status.inPhase),
    uptime_seconds: seconds(status.uptime),
    stopping: status.stopping,
    drain_requested: status.drainRequested,
    ready: status.ready,
    groups: status.groups.map(groupDocument),
    drain: drain && {
      elapsed_seconds: seconds(drain.elapsed),
      at_least_seconds: seconds(drain.atLeast),
      done: drain.done,
    },
    connections,
    application: status.application.map(({ url, ready }) => ({ url, ready })),
  };
}

function groupDocument({ health, ...group }: GroupStatus): unknown {
  return {
    name: group.name,
    arn: group.arn,
    target_id: group.targetId,
    port: group.port,
    membership: group.membership,
    health: health && {
      state: health.state,
      reason: health.reason,
      age_seconds: seconds(health.age),
    },
    error: group.error,
  };
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1_000;
}
