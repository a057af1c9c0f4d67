/** `/metrics`: the status and the counters in the text format of Prometheus. */
import { type GroupStatus, PHASES, type Status } from "../lifecycle/status.ts";
import { commit, VERSION } from "../version.ts";
import type { Sample, Stats } from "./stats.ts";

/** The `Content-Type`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric: a counter where its name ends in `_total`, else a gauge. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly samples: (status: Status, stats: Stats) => readonly Sample[];
}

const PREFIX = "nlb_registrator_";
const TARGET_LABELS = ["group", "arn", "target", "port"];

/** What is counted by labels. */
const TALLIES: readonly (readonly [
  of: "calls" | "retries" | "phasesEnded" | "drains" | "hooks" | "refusals",
  name: string,
  labels: readonly string[],
  help: string,
])[] = [
  ["calls", "api_calls_total", ["action", "result"], "Calls of the API, by action and result"],
  ["retries", "api_retries_total", ["action"], "Retries of API calls after an error, by action"],
  ["phasesEnded", "phases_ended_total", ["phase"], "Phases that have ended, by phase"],
  ["drains", "drains_total", ["outcome"], "Waits for a drain that have ended, by outcome"],
  ["hooks", "hooks_total", ["event", "outcome"], "Hooks that have ended, by event and outcome"],
  ["refusals", "refused_requests_total", ["reason"], "Refused requests, by reason"],
];

/** All metrics; `docs/http.md` lists them. */
export const METRICS: readonly Metric[] = [
  {
    name: "build_info",
    help: "1, with the version of the program, its commit and the version of Deno",
    labels: ["version", "commit", "deno"],
    samples: () => [[[VERSION, commit(), Deno.version.deno], 1]],
  },
  {
    name: "phase",
    help: "1 for the current phase of the lifecycle, 0 for all others",
    labels: ["phase"],
    samples: ({ phase }) => PHASES.map((one) => [[one], Number(one === phase)]),
  },
  {
    name: "target_state",
    help: "1 with the state in the last answer of DescribeTargetHealth, by target group",
    labels: [...TARGET_LABELS, "state", "reason"],
    samples: ({ groups }) =>
      groups.map((group) => {
        const { state, reason = "" } = group.health ?? { state: "unknown" };
        return [[...target(group), state, reason], 1];
      }),
  },
  {
    name: "target_registered",
    help: "1 while the target is known to be registered, by target group",
    labels: TARGET_LABELS,
    samples: ({ groups }) =>
      groups.map((group) => [target(group), Number(group.membership === "registered")]),
  },
  {
    name: "target_unhealthy",
    help: "1 while the target is registered and its last state is neither initial nor healthy",
    labels: TARGET_LABELS,
    samples: ({ groups }) => groups.map((group) => [target(group), Number(isUnhealthy(group))]),
  },
  {
    name: "target_override",
    help: "1 with what keeps new connections from the target whatever its state, by target group",
    labels: [...TARGET_LABELS, "override"],
    samples: ({ groups }) =>
      groups.flatMap((group) =>
        group.health?.override === undefined
          ? []
          : [[[...target(group), group.health.override], 1] as const]
      ),
  },
  {
    name: "target_health_age_seconds",
    help: "Time since the last answer of DescribeTargetHealth, by target group",
    labels: TARGET_LABELS,
    samples: ({ groups }) =>
      groups.flatMap((group) =>
        group.health === undefined ? [] : [[target(group), group.health.age_seconds] as const]
      ),
  },
  {
    name: "drain_requested",
    help: "1 from the start of a drain until it is undone",
    samples: ({ drain_requested: isRequested }) => single(Number(isRequested)),
  },
  {
    name: "connections",
    help: "Connections to the target from outside the pod (-wait-idle)",
    samples: ({ connections }) => single(connections),
  },
  {
    name: "phase_seconds_total",
    help: "Time spent in phases that have ended, by phase",
    labels: ["phase"],
    samples: (_, { phaseTimes }) =>
      phaseTimes.samples.map(([labels, time]) => [labels, time / 1_000]),
  },
  {
    name: "stop_to_deregistered_seconds",
    help: "Time from the last stop signal or drain until every target was deregistered",
    samples: (_, { stopToDeregistered: time }) => single(time && time / 1_000),
  },
  {
    name: "undrained_stops_total",
    help: "Stops that deregistered the target and did not wait for a drain",
    samples: (_, { undrainedStops }) => single(undrainedStops),
  },
  {
    name: "reregistrations_total",
    help: "Targets that were registered again after another client deregistered them",
    samples: (_, { reregistrations }) => single(reregistrations),
  },
  {
    name: "prestop_hook_refused",
    help:
      "1 if probes come from an address that may not call /drain, so that a hook will not either",
    samples: (_, { isHookRefused }) => single(Number(isHookRefused)),
  },
  ...TALLIES.map(([of, name, labels, help]): Metric => ({
    ...{ name, labels, help },
    samples: (_, stats) => stats[of].samples,
  })),
];

/** A target is registered once for each port; the port of a group that is not looked up is empty. */
function target({ name, arn, target_id: id, port }: GroupStatus): readonly string[] {
  return [name, arn, id, `${port ?? ""}`];
}

/** What waits for its first checks may become healthy soon. */
function isUnhealthy({ membership, health }: GroupStatus): boolean {
  return membership === "registered" && health !== undefined &&
    health.state !== "initial" && health.state !== "healthy";
}

function single(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [[[], value]];
}

export function kindOf({ name }: Metric): "counter" | "gauge" {
  return name.endsWith("_total") ? "counter" : "gauge";
}

/**
 * The metrics at this moment. Source:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
 */
export function metricsText(status: Status, stats: Stats): string {
  return METRICS.map((metric) => {
    const name = PREFIX + metric.name;
    const lines = metric.samples(status, stats)
      .map(([values, value]) => `${name}${labelsText(metric.labels, values)} ${value}\n`);
    return `# HELP ${name} ${metric.help}\n# TYPE ${name} ${kindOf(metric)}\n${lines.join("")}`;
  }).join("");
}

function labelsText(names: readonly string[] = [], values: readonly string[]): string {
  const escaped = (text = "") =>
    text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  const pairs = names.map((name, index) => `${name}="${escaped(values[index])}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
