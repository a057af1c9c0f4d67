/** `/metrics`: the state and the counters in the text format of Prometheus. */
import { Counter, Gauge, Registry } from "prom-client";
import type { Stats } from "./stats.ts";
import { PHASES, type Status } from "../lifecycle/status.ts";

/** The `Content-Type`. */
export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** A metric: `value` gives its lines. */
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
    help: "1 for the phase of the sidecar's life, 0 for all others",
    labels: ["phase"],
    value: ({ phase }) =>
      PHASES.map((one) => ({ labels: { phase: one }, value: Number(one === phase) })),
  },
  {
    name: "target_state",
    kind: "gauge",
    help: "1 with the state that DescribeTargetHealth said last, by target group",
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
    help: "1 from a drain's beginning until it is undone",
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
    help: "Calls of the Elastic Load Balancing API that ended, by action and result",
    labels: ["action", "result"],
    value: (_, { calls }) =>
      calls.map(({ action, result, count }) => ({ labels: { action, result }, value: count })),
  },
  {
    name: "api_retries_total",
    kind: "counter",
    help: "Calls that were made again after a fault, by action",
    labels: ["action"],
    value: (_, { retries }) =>
      [...retries].map(([action, value]) => ({ labels: { action }, value })),
  },
  {
    name: "phase_seconds_total",
    kind: "counter",
    help: "Time spent in each phase that has ended",
    labels: ["phase"],
    value: (_, { phases }) =>
      [...phases].map(([phase, { total }]) => ({ labels: { phase }, value: total / 1_000 })),
  },
  {
    name: "phases_ended_total",
    kind: "counter",
    help: "How often each phase has ended",
    labels: ["phase"],
    value: (_, { phases }) =>
      [...phases].map(([phase, { ended }]) => ({ labels: { phase }, value: ended })),
  },
  {
    name: "stop_to_deregistered_seconds",
    kind: "gauge",
    help: "From the last stop signal or drain to the answer of the last DeregisterTargets call",
    labels: [],
    value: (_, { stopToDeregistered }) =>
      single(stopToDeregistered === undefined ? undefined : stopToDeregistered / 1_000),
  },
  {
    name: "reregistrations_total",
    kind: "counter",
    help: "Targets that somebody else deregistered and that were registered again",
    labels: [],
    value: (_, { reregistrations }) => single(reregistrations),
  },
  {
    name: "refused_callers_total",
    kind: "counter",
    help: "Calls of /drain and /register that were refused",
    labels: [],
    value: (_, { refusedCallers }) => single(refusedCallers),
  },
];

/** The metrics as they stand. */
export async function metricsText(status: Status, stats: Stats): Promise<string> {
  const registry = new Registry();
  for (const metric of METRICS) {
    const options = {
      name: PREFIX + metric.name,
      help: metric.help,
      labelNames: [...metric.labels],
      registers: [registry],
    };
    const samples = metric.value(status, stats);
    if (metric.kind === "gauge") {
      const gauge = new Gauge(options);
      // Without labels the library shows a 0 of its own.
      if (samples.length === 0) registry.removeSingleMetric(options.name);
      for (const { labels, value } of samples) gauge.set({ ...labels }, value);
    } else {
      const counter = new Counter(options);
      for (const { labels, value } of samples) counter.inc({ ...labels }, value);
    }
  }
  return await registry.metrics();
}

function targetLabels(
  { name, arn, targetId }: { name: string; arn: string; targetId: string },
): Labels {
  return { group: name, arn, target: targetId };
}

function single(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}
