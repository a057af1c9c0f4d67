import { Counter, Gauge, Registry } from "prom-client";
import type { Status } from "../../../lib/lifecycle/status.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { kindOf, METRICS, metricsText } from "../../../lib/http/metrics.ts";
import { Stats } from "../../../lib/http/stats.ts";
import { hasPromtool, promtool } from "../../monitoring/promtool.ts";
import { test } from "../../test.ts";
import { tableAfter } from "../docs/_docs.ts";
import { ARN, GROUP, HEALTHY, Scene } from "./_http.ts";

/** The lines of one metric, without its help and type. */
function samples(text: string, name: string): string[] {
  return text.split("\n").filter((line) => new RegExp(`^nlb_registrator_${name}[{ ]`).test(line));
}

function busyStats(): Stats {
  const stats = new Stats();
  stats.onCall("RegisterTargets", "ThrottlingException");
  stats.onRetry("RegisterTargets");
  stats.onCall("RegisterTargets", "ok");
  for (let time = 0; time < 3; time++) stats.onCall("DescribeTargetHealth", "ok");
  stats.onPhaseEnd("registering", 1_250);
  stats.onPhaseEnd("registering", 750);
  stats.onDeregistered(412);
  stats.onReregistered();
  stats.onHook("pre-register", { outcome: "failed", reason: "" });
  stats.onDrainWaited("timed-out");
  stats.onUndrainedStop();
  for (const reason of ["address", "address", "host"] as const) {
    stats.onRefused({ reason, text: "" });
  }
  return stats;
}

test("/metrics has calls by action and result, retries, and time in each phase", () => {
  const text = metricsText(HEALTHY, busyStats());
  const counted = text.split("\n").filter((line) =>
    /^nlb_registrator_(?!target)\w+(_total|_seconds)[{ ].*[1-9]$/.test(line)
  );
  assertEquals(counted.map((line) => line.replace("nlb_registrator_", "")), [
    'phase_seconds_total{phase="registering"} 2',
    "stop_to_deregistered_seconds 0.412",
    "undrained_stops_total 1",
    "reregistrations_total 1",
    'api_calls_total{action="RegisterTargets",result="ThrottlingException"} 1',
    'api_calls_total{action="RegisterTargets",result="ok"} 1',
    'api_calls_total{action="DescribeTargetHealth",result="ok"} 3',
    'api_retries_total{action="RegisterTargets"} 1',
    'phases_ended_total{phase="registering"} 2',
    'drains_total{outcome="timed-out"} 1',
    'hooks_total{event="pre-register",outcome="failed"} 1',
    'refused_requests_total{reason="address"} 2',
    'refused_requests_total{reason="host"} 1',
  ]);
});

test("/metrics has the state of the target in each group", () => {
  const text = metricsText({
    ...HEALTHY,
    connections: 3,
    groups: [GROUP, {
      ...GROUP,
      name: "zookeeper",
      membership: "unknown",
      health: { state: "unhealthy", reason: "Target.Timeout", age_seconds: 1 },
    }, {
      ...GROUP,
      name: "edge",
      health: { state: "unused", override: "zonal_shift_active", age_seconds: 7.5 },
    }, {
      ...GROUP,
      name: "new",
      health: { state: "initial", age_seconds: 1 },
    }],
  }, new Stats());
  const labels = (name: string) => `group="${name}",arn="${ARN}",target="10.0.0.1",port="9092"`;
  assertEquals(samples(text, "target_state"), [
    `nlb_registrator_target_state{${labels("kafka")},state="healthy",reason=""} 1`,
    `nlb_registrator_target_state{${
      labels("zookeeper")
    },state="unhealthy",reason="Target.Timeout"} 1`,
    `nlb_registrator_target_state{${labels("edge")},state="unused",reason=""} 1`,
    `nlb_registrator_target_state{${labels("new")},state="initial",reason=""} 1`,
  ]);
  assertEquals(samples(text, "target_registered"), [
    `nlb_registrator_target_registered{${labels("kafka")}} 1`,
    `nlb_registrator_target_registered{${labels("zookeeper")}} 0`,
    `nlb_registrator_target_registered{${labels("edge")}} 1`,
    `nlb_registrator_target_registered{${labels("new")}} 1`,
  ]);
  assertEquals(samples(text, "target_unhealthy"), [
    `nlb_registrator_target_unhealthy{${labels("kafka")}} 0`,
    `nlb_registrator_target_unhealthy{${labels("zookeeper")}} 0`,
    `nlb_registrator_target_unhealthy{${labels("edge")}} 1`,
    `nlb_registrator_target_unhealthy{${labels("new")}} 0`,
  ]);
  assertEquals(samples(text, "target_override"), [
    `nlb_registrator_target_override{${labels("edge")},override="zonal_shift_active"} 1`,
  ]);
  assertEquals(
    samples(text, "target_health_age_seconds").at(-2),
    `nlb_registrator_target_health_age_seconds{${labels("edge")}} 7.5`,
  );
  assertEquals(samples(text, "connections"), ["nlb_registrator_connections 3"]);
  assertEquals(samples(text, "phase").filter((line) => line.endsWith(" 1")), [
    'nlb_registrator_phase{phase="serving"} 1',
  ]);
});

test("no two samples of a scrape have the same name and labels", () => {
  const groups = [9093, 9094, undefined].map((port) => {
    const { port: _, ...group } = GROUP;
    return port === undefined ? group : { ...group, port };
  });
  const names = metricsText({ ...HEALTHY, groups }, busyStats()).split("\n")
    .filter((line) => /^[^#]/.test(line))
    .map((line) => line.slice(0, line.lastIndexOf(" ")));
  assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
  assertEquals(names.filter((name) => name.includes('port="9094"')).length, 4);
});

test("what can be counted begins with 0, and what is not known is not shown", () => {
  const text = metricsText({ ...HEALTHY, groups: [{ ...GROUP, health: undefined }] }, new Stats());
  const counted = [
    "drains_total",
    "undrained_stops_total",
    "hooks_total",
    "refused_requests_total",
  ];
  const zeros = counted.map((name) => samples(text, name).filter((line) => line.endsWith(" 0")));
  assertEquals(zeros.map((lines) => lines.length), [4, 1, 16, 4]);
  assertEquals(samples(text, "target_health_age_seconds"), []);
  assertEquals(samples(text, "connections"), []);
  assertEquals(samples(text, "stop_to_deregistered_seconds"), []);
  assertEquals(samples(text, "reregistrations_total"), ["nlb_registrator_reregistrations_total 0"]);
});

test("each scrape tells of that moment, and every metric has its help and type", async () => {
  await using scene = await Scene.start();
  const response = await scene.fetch("/metrics");
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  await response.text();
  scene.stats.onReregistered();
  scene.view.current = { ...HEALTHY, connections: 1, drain_requested: true };
  scene.stats.onDeregistered(1);
  const { text } = await scene.get("/metrics");
  for (const metric of METRICS) {
    const name = `nlb_registrator_${metric.name}`;
    const head = `# HELP ${name} ${metric.help}\n# TYPE ${name} ${kindOf(metric)}\n`;
    assertStringIncludes(text, head);
  }
  assertEquals(samples(text, "reregistrations_total"), ["nlb_registrator_reregistrations_total 1"]);
  assertEquals(samples(text, "drain_requested"), ["nlb_registrator_drain_requested 1"]);
});

const ODD: Status = {
  ...HEALTHY,
  connections: 3,
  groups: [
    {
      ...GROUP,
      name: 'a "quoted" \\ name',
      health: { state: "line\nbreak", reason: "é", age_seconds: 1 },
    },
    { ...GROUP, arn: "", membership: "unknown" },
  ],
};

test("prom-client writes the same, odd labels included", async () => {
  for (const [status, stats] of [[ODD, busyStats()], [HEALTHY, new Stats()]] as const) {
    const registry = new Registry();
    for (const one of METRICS) {
      const { name, help, labels = [], samples: samplesOf } = one;
      const options = {
        ...{ name: `nlb_registrator_${name}`, help, labelNames: [...labels] },
        registers: [registry],
      };
      const metric = kindOf(one) === "gauge" ? new Gauge(options) : new Counter(options);
      metric.reset();
      // It would show a 0 for what is not known.
      if (labels.length === 0) metric.remove();
      for (const [values, value] of samplesOf(status, stats)) {
        const named = labels.map((label, index) => [label, values[index] ?? ""]);
        metric.inc(Object.fromEntries(named), value);
      }
    }
    const lines = (text: string) => text.split("\n").filter((line) => line !== "");
    const expected = lines(await registry.metrics());
    assertEquals(lines(metricsText(status, stats)), expected);
  }
});

test("promtool accepts the metrics", async () => {
  assertEquals(await promtool(["check", "metrics"], metricsText(ODD, busyStats())), "");
}, { ignore: !hasPromtool });

test("results that are made up outside do not grow the counters for ever", () => {
  const stats = new Stats();
  for (let code = 0; code < 1_000; code++) stats.onCall("RegisterTargets", `Code${code}`);
  assertEquals(stats.calls.samples.length, 101);
  const counted = stats.calls.samples.reduce((sum, [, count]) => sum + count, 0);
  assertEquals(counted, 1_000);
});

test("docs/http.md has a row for every metric", () => {
  const rows = tableAfter("docs/http.md", "<!-- metrics:");
  assertEquals(
    rows,
    METRICS.map((metric) => [
      `\`nlb_registrator_${metric.name}\``,
      kindOf(metric),
      (metric.labels ?? []).map((label) => `\`${label}\``).join(" "),
      metric.help,
    ]),
  );
});
