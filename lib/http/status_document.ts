/** `/status`: the state of a life as a JSON document. `docs/http.md` documents it. */
import type { GroupStatus, Status } from "../lifecycle/status.ts";

/** Raised by changes that a reader of the document has to know of; new fields are none. */
const VERSION = 1;

/** The document; times are in seconds. What is not known is left out. */
export function statusDocument(status: Status): unknown {
  const { drain, connections } = status;
  return {
    version: VERSION,
    phase: status.phase,
    in_phase_seconds: seconds(status.inPhase),
    uptime_seconds: seconds(status.uptime),
    stopping: status.stopping,
    drain_requested: status.drainRequested,
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
    fault: group.error,
  };
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1_000;
}
