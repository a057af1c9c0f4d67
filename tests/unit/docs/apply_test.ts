/** What is applied as a unit: the Kustomize component and the Helm library chart, over applications. */
import { Ajv } from "ajv";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parse, parseAllDocuments, stringify } from "yaml";
import { FLAGS } from "../../../lib/config/flags.ts";
import { VERSION } from "../../../lib/version.ts";
import { APPLICATIONS } from "../../manifests/applications.ts";
import { helm, templateOf, valuesOf } from "../../manifests/helm.ts";
import { kustomize, type Part } from "../../manifests/kustomize.ts";
import { blocksOf, read } from "./_docs.ts";
import { assertCallsTheSidecar, partsOf, runOf, unknownTo } from "./_manifests.ts";

const KINDS = /^(Deployment|StatefulSet|DaemonSet)$/;
const CHART = "deploy/helm/nlb-registrator";

/** The workload among manifests, and what the sidecar makes of its settings. */
function appliedTo(manifests: readonly Part[]) {
  const workload = partsOf(manifests.find(({ kind }) => KINDS.test(kind)));
  const { data } = manifests.find(({ kind }) => kind === "ConfigMap") ?? {};
  return { workload, run: runOf(workload, data) };
}

/** A workload without what the unit adds, which is all that it may change. */
function withoutUnit(whole: Part): Part {
  const { spec, ...rest } = structuredClone(whole);
  const { spec: pod, metadata } = spec.template;
  delete metadata.labels["nlb-registrator-budget"];
  delete spec.strategy;
  delete pod.initContainers;
  delete pod.terminationGracePeriodSeconds;
  delete pod.containers[0].lifecycle;
  return { ...rest, spec };
}

for (const { name, folder, file, values } of APPLICATIONS) {
  Deno.test(`${name}: component and chart make manifests that Kubernetes knows, of one meaning`, () => {
    const byKustomize = kustomize(folder);
    const byHelm = helm(templateOf(read(file)), values);
    for (const one of [...byKustomize, ...byHelm]) assertEquals(unknownTo(one), []);
    const [component, chart] = [appliedTo(byKustomize), appliedTo(byHelm)];
    assertEquals(component.run, chart.run);
    const { env: _env, envFrom: _from, args: _args, ...sidecar } = component.workload.sidecar;
    const { env: _e, args: _a, ...same } = chart.workload.sidecar;
    assertEquals(sidecar, same);
    assertEquals(withoutUnit(component.workload.whole), withoutUnit(chart.workload.whole));
  });

  for (
    const [how, render] of [
      ["component", () => kustomize(folder)],
      ["chart", () => helm(templateOf(read(file)), values)],
    ] as const
  ) {
    Deno.test(`${name}, by the ${how}: hook, restricted sidecar, and nothing else of the pod changes`, () => {
      const { workload, run } = appliedTo(render());
      const { sidecar, pod, whole } = workload;
      assertCallsTheSidecar(workload, run.service?.listen.port ?? 0);
      assertEquals(pod.initContainers[0].name, "nlb-registrator");
      assertEquals(sidecar.ports, [{ name: "nlb-registrator", containerPort: 8081 }]);
      assertEquals(pod.terminationGracePeriodSeconds, 450);
      assertEquals(run.gracePeriod, 420_000);
      assertEquals([pod.automountServiceAccountToken, pod.enableServiceLinks], [false, false]);
      assertEquals(sidecar.securityContext, {
        ...{ runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532 },
        ...{ seccompProfile: { type: "RuntimeDefault" }, allowPrivilegeEscalation: false },
        ...{ readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
      });
      const before = read(file).split("\n---\n").map((text) => parse(text))
        .find(({ kind }) => KINDS.test(kind));
      assertEquals(withoutUnit(whole), withoutUnit(before));
    });
  }

  Deno.test(`${name}: one budget covers its pods, and no second one`, () => {
    const rendered = kustomize(folder);
    const { whole } = appliedTo(rendered).workload;
    const covering = rendered.filter(({ kind, spec }) =>
      kind === "PodDisruptionBudget" &&
      Object.entries(spec.selector.matchLabels).every(([key, value]) =>
        whole.spec.template.metadata.labels[key] === value
      )
    );
    assertEquals(covering.map(({ spec }) => spec.unhealthyPodEvictionPolicy), ["AlwaysAllow"]);
  });
}

Deno.test("brokers drain without -wait-idle: their peers connect on the target's port", () => {
  const { run, workload } = appliedTo(kustomize("deploy/kustomize/examples/brokers"));
  assertEquals(run.drain.idle, false);
  const port = workload.application.ports[0].containerPort;
  assertEquals(run.groups.map(({ port }) => port), [port, port]);
});

const WEB = read("deploy/kustomize/examples/web/deployment.yaml");
const hook = { exec: { command: ["nginx", "-s", "quit"] } };
const withLifecycle = (lifecycle: Part) =>
  templateOf(
    WEB.replace("          ports:", `          lifecycle: ${JSON.stringify(lifecycle)}\n$&`),
  );
const FLAG = { flags: { "target-group-name": "web" } };

for (
  const [what, lifecycle, values, expected] of [
    ["no hook", {}, {}, { preStop: { httpGet: { path: "/drain", port: 8081 } } }],
    [
      "another port",
      { postStart: hook },
      { port: 9000 },
      { postStart: hook, preStop: { httpGet: { path: "/drain", port: 9000 } } },
    ],
    ["a hook, kept", { preStop: hook }, { hook: "own" }, { preStop: hook }],
    [
      "a hook, replaced",
      { preStop: hook },
      { hook: "replace" },
      { preStop: { httpGet: { path: "/drain", port: 8081 } } },
    ],
    ["a hook", { preStop: hook }, {}, "container web has a preStop hook"],
    ["no such container", {}, { container: "proxy" }, "there is no container proxy"],
  ] as const
) {
  Deno.test(`the chart, where the container has ${what}`, () => {
    const render = () => helm(withLifecycle(lifecycle), { ...FLAG, ...values });
    if (typeof expected === "string") assertThrows(render, Error, expected);
    else assertEquals(appliedTo(render()).workload.application.lifecycle, expected);
  });
}

Deno.test("the chart adds the application's own time to stop to the grace period", () => {
  const pod = "      serviceAccountName:";
  for (const [own, stopTime, whole] of [[180, 0, 600], [180, 30, 450], [undefined, 0, 450]]) {
    const text = own
      ? WEB.replace(pod, `      terminationGracePeriodSeconds: ${own}\n${pod}`)
      : WEB;
    const [workload] = helm(templateOf(text), { ...FLAG, stopTime });
    assertEquals(workload.spec.template.spec.terminationGracePeriodSeconds, whole);
  }
});

Deno.test("the component refuses a container with a lifecycle, or leaves it alone", () => {
  const envoy = "deploy/kustomize/examples/envoy";
  const labelled = (label: string) =>
    kustomize(envoy, (text) => text.replace("replace-hook", label));
  assertThrows(() => labelled("enabled"), Error, "/containers/0/lifecycle failed: test failed");
  const { application } = appliedTo(labelled("own-hook")).workload;
  assertEquals(Object.keys(application.lifecycle.preStop), ["exec"]);
  const web = (label: string) =>
    kustomize("deploy/kustomize/examples/web", (text) => text.replace(": enabled", `: ${label}`));
  assertThrows(() => web("replace-hook"), Error, "operation does not apply");
});

Deno.test("the token of the hook is that of the Secret, which the sidecar reads", () => {
  const made = kustomize("deploy/kustomize/examples/token");
  for (const one of made) assertEquals(unknownTo(one), []);
  const { workload: { pod, sidecar, application }, run } = appliedTo(made);
  const { metadata, stringData } = made.find(({ kind }) => kind === "Secret");
  const [{ name, mountPath }] = sidecar.volumeMounts;
  const { secret } = pod.volumes.find((volume: Part) => volume.name === name);
  assertEquals(secret, { secretName: metadata.name, defaultMode: 0o440 });
  assertEquals(run.service?.tokenFile, `${mountPath}/${Object.keys(stringData)}`);
  assertEquals(application.lifecycle.preStop.httpGet.httpHeaders, [
    { name: "Authorization", value: `Bearer ${stringData.token}` },
  ]);
});

const schema = JSON.parse(read(`${CHART}/values.schema.json`));

Deno.test("the chart's schema knows the flags of the code, without those that the chart sets", () => {
  const set = ["listen", "grace-period", "check", "version"];
  const flags = Object.keys(FLAGS).filter((name) => !set.includes(name));
  assertEquals(schema.properties.flags.propertyNames.enum, flags);
});

Deno.test("the chart's schema takes its defaults with flags, and refuses what would not work", () => {
  const validate = new Ajv().compile(schema);
  const isValid = (own: Part) => validate(valuesOf(own));
  for (const { values } of APPLICATIONS) assert(isValid(values), JSON.stringify(validate.errors));
  const { "nlb-registrator": example } = parse(read("deploy/helm/example/values.yaml"));
  assert(isValid(example));
  for (
    const wrong of [
      {},
      { flags: { "target-group": "web" } },
      { ...FLAG, hook: "keep" },
      { ...FLAG, gracePeriod: "7m" },
      { ...FLAG, port: 0 },
      { ...FLAG, flag: {} },
    ]
  ) assertEquals(isValid(wrong), false, JSON.stringify(wrong));
});

Deno.test("the example chart makes a Deployment and its budget, of the versions of the program", () => {
  const { "nlb-registrator": values } = parse(read("deploy/helm/example/values.yaml"));
  const made = helm(read("deploy/helm/example/templates/web.yaml"), values);
  assertEquals(made.map(({ kind }) => kind), ["Deployment", "PodDisruptionBudget"]);
  for (const one of made) assertEquals(unknownTo(one), []);
  assertEquals(made[1].spec.selector, made[0].spec.selector);
  const { version, appVersion } = parse(read(`${CHART}/Chart.yaml`));
  const [{ version: used }] = parse(read("deploy/helm/example/Chart.yaml")).dependencies;
  const { sidecar } = partsOf(made[0]);
  assertEquals([version, appVersion, used], Array(3).fill(VERSION));
  assertEquals(sidecar.image, `k8s-nlb-registrator-sidecar:${VERSION}`);
  assertEquals(
    appliedTo(kustomize("deploy/kustomize/examples/web")).workload.sidecar.image,
    sidecar.image,
  );
});

/** What a program prints; undefined where there is no such program. */
function output(program: string, ...args: string[]): string | undefined {
  try {
    const { stdout, success, stderr } = new Deno.Command(program, { args }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The manifests in a text, in an order of their own. */
function sorted(text: string): Part[] {
  const key = ({ kind, metadata }: Part) => `${kind} ${metadata.name}`;
  return parseAllDocuments(text).map((document) => document.toJS())
    .sort((one, other) => key(one) < key(other) ? -1 : 1);
}

for (const name of [...APPLICATIONS.map(({ name }) => name), "token"]) {
  const folder = `deploy/kustomize/examples/${name}`;
  const byKubectl = output("kubectl", "kustomize", folder);
  Deno.test({
    name: `${name}: kubectl kustomize makes what the tests make of the component`,
    ignore: byKubectl === undefined,
    fn: () => {
      const made = sorted(
        byKubectl?.replaceAll(/(name: nlb-registrator)-[a-z0-9]{10}\b/g, "$1-hash") ?? "",
      );
      assertEquals(made, sorted(kustomize(folder).map((one) => stringify(one)).join("---\n")));
    },
  });
}

Deno.test("docs/apply.md shows the kustomization of the example", () => {
  const shown = blocksOf("docs/apply.md").map(({ text }) => text);
  assert(shown.includes(read("deploy/kustomize/examples/web/kustomization.yaml")));
});

Deno.test({
  name: "docs/apply.md shows what kubectl apply -k makes",
  ignore: output("kubectl", "version", "--client") === undefined,
  fn: () => {
    const made = parseAllDocuments(
      output("kubectl", "kustomize", "deploy/kustomize/examples/web") ?? "",
    )
      .map((document) => document.toJS());
    const named = made.map(({ apiVersion, kind, metadata }) => {
      const [group, version] = apiVersion.split("/");
      return `${kind.toLowerCase()}${version ? `.${group}` : ""}/${metadata.name} created`;
    });
    const shown = blocksOf("docs/apply.md").map(({ text }) => text.trimEnd().split("\n"));
    assertEquals(shown.filter(([line = ""]) => line.endsWith(" created")), [named]);
  },
});

for (const { name, file, values } of APPLICATIONS) {
  const chart = Deno.makeTempDirSync();
  Deno.mkdirSync(`${chart}/templates`);
  Deno.mkdirSync(`${chart}/charts`);
  Deno.symlinkSync(Deno.realPathSync(CHART), `${chart}/charts/nlb-registrator`);
  Deno.writeTextFileSync(`${chart}/Chart.yaml`, read("deploy/helm/example/Chart.yaml"));
  Deno.writeTextFileSync(`${chart}/values.yaml`, stringify({ "nlb-registrator": values }));
  Deno.writeTextFileSync(`${chart}/templates/${name}.yaml`, templateOf(read(file)));
  const byHelm = output("helm", "template", "any", chart);
  Deno.removeSync(chart, { recursive: true });
  Deno.test({
    name: `${name}: helm template makes what the tests make of the chart`,
    ignore: byHelm === undefined,
    fn: () => {
      const made = helm(templateOf(read(file)), values);
      assertEquals(sorted(byHelm ?? ""), sorted(made.map((one) => stringify(one)).join("---\n")));
    },
  });
}
