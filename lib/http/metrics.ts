/** `/metrics`: the status and the counters in the text format of Prometheus. */
import type { Stats } from "./stats.ts";
import { PHASES, type Status } from "../lifecycle/status.ts";

/** The `Content-Type`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** A metric; `value` gives its samples. */
interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly value: (status: Status, stats: Stats) => readonly Sample[];
}

const PREFIX = "nlb_registrator_";
const TARGET_LABELS = ["group", "arn", "target"];

/** All metrics; `docs/http.md` lists them. */
export const METRICS: readonly Metric[] = [
  {
    name: "phase",
    kind: "gauge",
    help: "1 for the current phase of the lifecycle, 0 for all others",
    labels: ["phase"],
    value: ({ phase }) =>
      PHASES.map((one) => ({ labels: { phase: one }, value: Number(one === phase) })),
  },
  {
    name: "target_state",
    kind: "gauge",
    help: "1 with the state in the last answer of DescribeTargetHealth, by target group",
    labels: [...TARGET_LABELS, "state", "reason"],
    value: ({ groups }) =>
      groups.map((group) => ({
        labels: {
          ...targetLabels(group),
          state: group.health?.state ?? "unknown",
          reason: group.health?.reason ?? "",
        },
        value: 1,
      })),
  },
  {
    name: "target_registered",
    kind: "gauge",
    help: "1 while the target is known to be registered, by target group",
    labels: TARGET_LABELS,
    value: ({ groups }) =>
      groups.map((group) => ({
        labels: targetLabels(group),
        value: Number(group.membership === "registered"),
      })),
  },
  {
    name: "drain_requested",
    kind: "gauge",
    help: "1 from the start of a drain until it is undone",
    labels: [],
    value: ({ drainRequested }) => single(Number(drainRequested)),
  },
  {
    name: "connections",
    kind: "gauge",
    help: "Connections to the target from outside the pod (-wait-idle)",
    labels: [],
    value: ({ connections }) => single(connections),
  },
  {
    name: "api_calls_total",
    kind: "counter",
    help: "Calls of the Elastic Load Balancing API, by action and result",
    labels: ["action", "result"],
    value: (_, { calls }) =>
      calls.map(({ action, result, count }) => ({ labels: { action, result }, value: count })),
  },
  {
    name: "api_retries_total",
    kind: "counter",
    help: "Retries of API calls after an error, by action",
    labels: ["action"],
    value: (_, { retries }) =>
      [...retries].map(([action, value]) => ({ labels: { action }, value })),
  },
  {
    name: "phase_seconds_total",
    kind: "counter",
    help: "Time spent in phases that have ended, by phase",
    labels: ["phase"],
    value: (_, { phases }) =>
      [...phases].map(([phase, { total }]) => ({ labels: { phase }, value: total / 1_000 })),
  },
  {
    name: "phases_ended_total",
    kind: "counter",
    help: "Phases that have ended, by phase",
    labels: ["phase"],
    value: (_, { phases }) =>
      [...phases].map(([phase, { ended }]) => ({ labels: { phase }, value: ended })),
  },
  {
    name: "stop_to_deregistered_seconds",
    kind: "gauge",
    help: "Time from the last stop signal or drain until every target was deregistered",
    labels: [],
    value: (_, { stopToDeregistered }) =>
      single(stopToDeregistered === undefined ? undefined : stopToDeregistered / 1_000),
  },
  {
    name: "reregistrations_total",
    kind: "counter",
    help: "Targets that were registered again after another client deregistered them",
    labels: [],
    value: (_, { reregistrations }) => single(reregistrations),
  },
  {
    name: "refused_requests_total",
    kind: "counter",
    help: "Refused requests to /drain and /register, by reason",
    labels: ["reason"],
    value: (_, { refusals }) =>
      [...refusals].map(([reason, value]) => ({ labels: { reason }, value })),
  },
];

/**
 * The metrics at this moment. Source:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
 */
export function metricsText(status: Status, stats: Stats): string {
  return METRICS.map(({ name, kind, help, value }) => {
    const lines = value(status, stats)
      .map(({ labels, value }) => `${PREFIX}${name}${labelsText(labels)} ${value}\n`);
    return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${kind}\n${lines.join("")}`;
  }).join("");
}

function labelsText(labels: Labels): string {
  const escaped = (text: string) =>
    text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${escaped(text)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function targetLabels(
  { name, arn, targetId }: { name: string; arn: string; targetId: string },
): Labels {
  return { group: name, arn, target: targetId };
}

function single(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}
