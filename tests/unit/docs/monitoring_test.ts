/** `deploy/monitoring/`: scraping, alerts and dashboard, by Prometheus's and Grafana's own rules. */
import { assertEquals } from "@std/assert";
import { PodMonitor } from "prometheus-operator/PodMonitor";
import { PrometheusRule } from "prometheus-operator/PrometheusRule";
import { METRICS } from "../../../lib/http/metrics.ts";
import { ROOT, stdOptions } from "../../../tools/deno.ts";
import { hasPromtool, promtool } from "../../monitoring/promtool.ts";
import { test } from "../../test.ts";
import { blocksOf, read, tableAfter } from "./_docs.ts";
import { documentsOf, unknownFields, type Validate } from "./_schemas.ts";

const FOLDER = "deploy/monitoring";

/** A rule, as far as the tests read it. */
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const [{ spec: { groups: GROUPS } }] = documentsOf(`${FOLDER}/rules.yaml`);
const RULES: readonly Rule[] = GROUPS[0].rules;
const DASHBOARD = JSON.parse(read(`${FOLDER}/dashboard.json`));
const PANELS: readonly { title: string; targets: readonly { expr: string }[] }[] = DASHBOARD.panels;
const QUERIES = PANELS.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** The operator's schemas are in classes, which throw. */
const validatePodMonitor: Validate = (data) => {
  new PodMonitor(data as ConstructorParameters<typeof PodMonitor>[0]).validate();
  return true;
};
const validateRule: Validate = (data) => {
  new PrometheusRule(data as ConstructorParameters<typeof PrometheusRule>[0]).validate();
  return true;
};

Deno.test("the Prometheus operator knows every field of the PodMonitor and the rules", () => {
  const [monitor] = documentsOf(`${FOLDER}/pod-monitor.yaml`);
  assertEquals(unknownFields(monitor, validatePodMonitor), []);
  const [rules] = documentsOf(`${FOLDER}/rules.yaml`);
  // The schema names no label and no annotation.
  const named = unknownFields(rules, validateRule)
    .filter((path) => !/\/(labels|annotations)\/\w+$/.test(path));
  assertEquals(named, []);
  const [{ port }] = monitor.spec.podMetricsEndpoints;
  const [workload] = documentsOf("deploy/native-sidecar.yaml").filter(({ kind }) =>
    kind === "Deployment"
  );
  const [sidecar] = workload.spec.template.spec.initContainers;
  assertEquals(sidecar.ports.map(({ name }: { name: string }) => name), [port]);
});

Deno.test("alerts and dashboard use metrics and labels that there are", () => {
  // Prometheus and the operator add these.
  const added = ["namespace", "pod"];
  const unknown = [...RULES.map(({ expr }) => expr), ...QUERIES].flatMap((expr) =>
    [...expr.matchAll(/nlb_registrator_(\w+)(?:\{([^}]*)\})?/g)].filter(
      ([, name, selector = ""]) => {
        const metric = METRICS.find((one) => one.name === name);
        const labels = [...selector.matchAll(/(\w+)[=!]/g)].map(([, label = ""]) => label);
        return metric === undefined ||
          labels.some((label) => ![...added, ...metric.labels ?? []].includes(label));
      },
    ).map(([use]) => use)
  );
  assertEquals(unknown, []);
  const shown = METRICS.filter(({ name }) => QUERIES.join().includes(`nlb_registrator_${name}`));
  assertEquals(METRICS.length - shown.length, 1, "target_registered alone is for alerts");
});

Deno.test("each alert's runbook is a section of docs/troubleshooting.md, and each section an alert's", () => {
  const [, alerts = ""] = read("docs/troubleshooting.md").split("\n## Alerts\n");
  const sections = [...(alerts.split("\n## ")[0] ?? "").matchAll(/^### (\w+)$/gm)];
  assertEquals(sections.map(([, name]) => name), RULES.map(({ alert }) => alert));
  for (const { alert, annotations } of RULES) {
    const [page, anchor] = (annotations["runbook_url"] ?? "").split("#");
    assertEquals(anchor, alert.toLowerCase());
    assertEquals(page?.split("/blob/main/")[1], "docs/troubleshooting.md");
  }
});

Deno.test("docs/monitoring.md lists the alerts, and its scrape configuration is one", async () => {
  const rows = tableAfter("docs/monitoring.md", "<!-- alerts:");
  assertEquals(
    rows.map((row) => row.slice(0, 3)),
    RULES.map(({ alert, labels, for: time = "at once" }) => [
      `[${alert}](troubleshooting.md#${alert.toLowerCase()})`,
      ...[labels["severity"], time],
    ]),
  );
  if (!hasPromtool) return;
  const [config] = blocksOf("docs/monitoring.md").filter(({ language }) => language === "yaml");
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  // Debian's promtool is built without the discovery of Kubernetes.
  const text = config?.text.replace(/kubernetes_sd_configs: .*/, "static_configs: []") ?? "";
  await Deno.writeTextFile(file, text);
  assertEquals(await promtool(["check", "config", file]), "");
  await Deno.remove(file);
});

/** The labels of a pod, and of its target. */
const POD = 'namespace="shop",pod="edge-0"';
const TARGET = `${POD},group="edge",arn="arn:aws",target="10.0.0.1",port="8443"`;
const UP = `up{${POD},endpoint="nlb-registrator"}`;

/** Names of series without their prefix, but for `up`; values at every half minute. */
type Series = Readonly<Record<string, string>>;

/** An alert, the labels it fires with, when (in minutes), a case of it, and others that are fine. */
const ALERTS: readonly (readonly [string, string, number, Series, ...Series[]])[] = [
  [
    "NlbRegistratorStoppedWithoutDrain",
    "namespace pod",
    7,
    { [`target_registered{${TARGET}}`]: "1x9 stale", [UP]: "1x9 stale" },
    {
      [`target_registered{${TARGET}}`]: "1x5 0x4 stale",
      [`phase{${POD},phase="draining"}`]: "0x5 1x4 stale",
      [UP]: "1x9 stale",
    },
    // It cannot be scraped, and is there.
    { [`target_registered{${TARGET}}`]: "1x9 stale", [UP]: "1x9 0x20" },
  ],
  [
    "NlbRegistratorDrainRefused",
    "namespace pod reason",
    5,
    { [`refused_requests_total{${POD},reason="address"}`]: "0x5 1x20" },
    { [`refused_requests_total{${POD},reason="address"}`]: "0x30" },
  ],
  [
    "NlbRegistratorDrainFailed",
    "namespace pod outcome",
    5,
    { [`drains_total{${POD},outcome="timed-out"}`]: "0x5 1x20" },
    { [`drains_total{${POD},outcome="drained"}`]: "0x5 1x20" },
  ],
  [
    "NlbRegistratorTargetUnhealthy",
    "namespace pod group target port",
    6,
    { [`target_unhealthy{${TARGET}}`]: "1x20" },
    { [`target_unhealthy{${TARGET}}`]: "1x8 0x20" },
  ],
  [
    "NlbRegistratorTargetGone",
    "namespace pod group target port",
    5,
    { [`target_registered{${TARGET}}`]: "0x20", [`phase{${POD},phase="serving"}`]: "1x20" },
    { [`target_registered{${TARGET}}`]: "0x20", [`phase{${POD},phase="serving"}`]: "0x20" },
  ],
  [
    "NlbRegistratorReregistered",
    "namespace pod",
    5,
    { [`reregistrations_total{${POD}}`]: "0x5 1x20" },
    { [`reregistrations_total{${POD}}`]: "0x30" },
  ],
  [
    "NlbRegistratorNotInService",
    "namespace pod",
    16,
    { [`phase{${POD},phase="waiting-in-service"}`]: "1x40" },
    { [`phase{${POD},phase="waiting-in-service"}`]: "1x20 0x20" },
  ],
  [
    "NlbRegistratorHealthUnknown",
    "namespace pod group target port",
    16,
    {
      [`target_health_age_seconds{${TARGET}}`]: "0+30x40",
      [`phase{${POD},phase="serving"}`]: "1x40",
    },
    {
      [`target_health_age_seconds{${TARGET}}`]: "70x40",
      [`phase{${POD},phase="serving"}`]: "1x40",
    },
    // A drained target is not polled.
    {
      [`target_health_age_seconds{${TARGET}}`]: "0+30x40",
      [`phase{${POD},phase="serving"}`]: "0x40",
    },
  ],
  [
    "NlbRegistratorAccessDenied",
    "namespace pod action",
    5,
    // Its first scrape has the count already: there is nothing from which it increases.
    { [`api_calls_total{${POD},action="DeregisterTargets",result="AccessDenied"}`]: "_x5 1x20" },
    { [`api_calls_total{${POD},action="DeregisterTargets",result="ok"}`]: "1+1x20" },
  ],
  [
    "NlbRegistratorThrottled",
    "action",
    25,
    {
      [`api_calls_total{${POD},action="DescribeTargetHealth",result="Throttling"}`]: "0+1x60",
      [`api_calls_total{${POD},action="DescribeTargetHealth",result="ok"}`]: "0+3x60",
    },
    {
      [`api_calls_total{${POD},action="DescribeTargetHealth",result="Throttling"}`]: "0+1x60",
      [`api_calls_total{${POD},action="DescribeTargetHealth",result="ok"}`]: "0+9x60",
    },
  ],
  [
    "NlbRegistratorHookFailed",
    "namespace pod event outcome",
    5,
    { [`hooks_total{${POD},event="pre-deregister",outcome="timed-out"}`]: "_x5 1x20" },
    { [`hooks_total{${POD},event="pre-deregister",outcome="succeeded"}`]: "0x5 1x20" },
    { [`hooks_total{${POD},event="pre-deregister",outcome="failed"}`]: "_x5 0x20" },
  ],
  [
    "NlbRegistratorSlowToDeregister",
    "namespace pod",
    1,
    { [`stop_to_deregistered_seconds{${POD}}`]: "31x9" },
    { [`stop_to_deregistered_seconds{${POD}}`]: "0.4x9" },
  ],
  [
    "NlbRegistratorLeftDrained",
    "namespace pod",
    61,
    { [`phase{${POD},phase="drained"}`]: "1x140" },
    { [`phase{${POD},phase="drained"}`]: "1x100 0x40" },
  ],
];

/** One test in promtool's own form. */
function promtoolTest(
  alertname: string,
  minute: number,
  series: Series,
  labels: readonly string[],
) {
  const all = Object.keys(series).join();
  const ofLabel = (label: string) => [label, new RegExp(`\\b${label}="([^"]*)"`).exec(all)?.[1]];
  return {
    interval: "30s",
    input_series: Object.entries(series).map(([name, values]) => ({
      series: name.startsWith("up{") ? name : `nlb_registrator_${name}`,
      values,
    })),
    alert_rule_test: [{
      ...{ eval_time: `${minute}m`, alertname },
      exp_alerts: labels.length === 0
        ? []
        : [{ exp_labels: Object.fromEntries(labels.map(ofLabel)) }],
    }],
  };
}

test(
  "each alert fires in its case, with the labels that its texts name, and in no other",
  async () => {
    assertEquals(ALERTS.map(([name]) => name), RULES.map(({ alert }) => alert));
    const tests = ALERTS.flatMap(([name, labels, minute, bad, ...good]) => [
      promtoolTest(name, minute, bad, labels.split(" ")),
      ...good.map((series) => promtoolTest(name, minute, series, [])),
    ]);
    const folder = await Deno.makeTempDir();
    // promtool compares texts too, which are checked below.
    const rules = RULES.map(({ annotations: _, ...rule }) => ({ ...rule, labels: {} }));
    await Deno.writeTextFile(
      `${folder}/rules.yaml`,
      JSON.stringify({ groups: [{ name: "a", rules }] }),
    );
    await Deno.writeTextFile(
      `${folder}/test.yaml`,
      JSON.stringify({ rule_files: ["rules.yaml"], evaluation_interval: "30s", tests }),
    );
    assertEquals(await promtool(["test", "rules", `${folder}/test.yaml`]), "");
    await Deno.remove(folder, { recursive: true });
    for (const [at, { alert, annotations }] of RULES.entries()) {
      const used = [...Object.values(annotations).join().matchAll(/\$labels\.(\w+)/g)];
      const has = ALERTS[at]?.[1].split(" ") ?? [];
      assertEquals(used.filter(([, label = ""]) => !has.includes(label)), [], alert);
    }
  },
  { ignore: !hasPromtool },
);

test("promtool accepts the rules and the dashboard's queries", async () => {
  const queries = QUERIES.map((expr, at) => ({
    record: `query:${at}`,
    expr: expr.replaceAll("$__rate_interval", "5m"),
  }));
  for (const groups of [GROUPS, [{ name: "queries", rules: queries }]]) {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    await Deno.writeTextFile(file, JSON.stringify({ groups }));
    assertEquals(await promtool(["check", "rules", file]), "");
    await Deno.remove(file);
  }
}, { ignore: !hasPromtool });

/** Grafana's types have enumerations, of which JSON has the values. */
const AS_TYPED = `import type { Dashboard } from "@grafana/schema";
type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
export const dashboard: Plain<Dashboard> = `;

Deno.test("Grafana's own types know every field of the dashboard", async () => {
  const folder = await Deno.makeTempDir();
  const check = async (dashboard: unknown) => {
    const file = `${folder}/dashboard.ts`;
    await Deno.writeTextFile(file, AS_TYPED + JSON.stringify(dashboard));
    const args = ["check", "-q", ...stdOptions(), `--config=${ROOT}deno.json`, file];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  };
  assertEquals(await check(DASHBOARD), "");
  const misspelt = await check({ ...DASHBOARD, schemaVersions: 1 });
  assertEquals(/schemaVersions/.test(misspelt), true, misspelt);
  await Deno.remove(folder, { recursive: true });
});
