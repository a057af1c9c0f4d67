/** The manifests of `deploy/` against Kubernetes' schemas, against the sidecar, and against the docs. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { validate as validateDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { validate as validateJob } from "kubernetes-models/schemas/IoK8sApiBatchV1Job";
import { validate as validateStatefulSet } from "kubernetes-models/schemas/IoK8sApiAppsV1StatefulSet";
import { validate as validateService } from "kubernetes-models/schemas/IoK8sApiCoreV1Service";
import { validate as validateBudget } from "kubernetes-models/schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { validate as validateServiceAccount } from "kubernetes-models/schemas/IoK8sApiCoreV1ServiceAccount";
import { parse } from "yaml";
import { readConfig } from "../../../lib/config/config.ts";
import { parseDuration } from "../../../lib/host/duration.ts";
import { ENVIRONMENT_PREFIX, flag, isFlagName } from "../../../lib/config/flags.ts";
import { graceSeconds } from "../../../lib/preflight.ts";
import { blocksOf, read, tableAfter, urlOf } from "./_docs.ts";
import { documentsOf, type Part, unknownFields } from "./_schemas.ts";

/** The Job that tries the others' flags. */
const CHECK = "deploy/check.yaml";
const MANIFESTS = [...Deno.readDirSync(urlOf("deploy/"))].map(({ name }) => `deploy/${name}`)
  .filter((path) => path.endsWith(".yaml") && path !== CHECK).sort();
/** The one that the README shows. */
const SHOWN = "deploy/native-sidecar.yaml";
const POLICY = "deploy/iam-policy.json";

/** By kind, the validator that was made from the API's own schema. */
const SCHEMAS = {
  Deployment: validateDeployment,
  StatefulSet: validateStatefulSet,
  Service: validateService,
  ServiceAccount: validateServiceAccount,
  PodDisruptionBudget: validateBudget,
};

/** A workload, the sidecar in it, and its application. */
interface Workload {
  readonly whole: Part;
  readonly pod: Part;
  readonly sidecar: Part;
  readonly application: Part;
}

function partsOf(whole: Part): Workload {
  const { spec: pod } = whole.spec.template;
  const containers: Part[] = [...pod.initContainers ?? [], ...pod.containers];
  const sidecar = containers.find(({ args }) => args);
  const application = containers.find(({ args }) => !args);
  return { whole, pod, sidecar, application };
}

function workloadOf(path: string): Workload {
  return partsOf(documentsOf(path).find(({ kind }) => /Deployment|StatefulSet/.test(kind)));
}

/** What the Downward API would say of a pod, by field. */
const FIELDS: Readonly<Record<string, string>> = {
  "status.podIP": "10.0.0.1",
  "status.podIPs": "10.0.0.1,2001:db8::1",
  "status.hostIP": "10.0.0.254",
  "metadata.name": "kafka-0",
};

/** What the sidecar reads of its arguments and environment, as Kubernetes expands them. */
function runOf({ sidecar }: Workload, more: Readonly<Record<string, string>> = {}) {
  const variables: Record<string, string> = { ...more };
  for (const { name, valueFrom } of sidecar.env) {
    variables[name] = FIELDS[valueFrom.fieldRef.fieldPath] ?? "";
  }
  const args = sidecar.args.map((arg: string) =>
    arg.replaceAll(/\$\(([A-Z_]+)\)/g, (whole, name) => variables[name] ?? whole)
  );
  const reading = readConfig(args, variables);
  assert(reading.kind === "run", JSON.stringify(reading));
  assertEquals(reading.warnings, []);
  return reading.config;
}

/** Probes and hook, by the port on which the sidecar listens. */
function assertCallsTheSidecar(workload: Workload, port: number): void {
  const { sidecar, application } = workload;
  const isNative = sidecar.restartPolicy === "Always";
  assertEquals(application.lifecycle.preStop.httpGet, { path: "/drain", port });
  assertEquals(sidecar.readinessProbe.httpGet, { path: "/readyz", port });
  // The application starts only after a native sidecar's startup probe.
  assertEquals(sidecar.startupProbe?.httpGet, isNative ? { path: "/startupz", port } : undefined);
  assertEquals(sidecar.livenessProbe, undefined);
}

Deno.test("the README shows the manifest and the policy as they are in deploy/", () => {
  const shown = blocksOf("README.md").map(({ text }) => text);
  for (const path of [SHOWN, POLICY]) assert(shown.includes(read(path)), path);
});

Deno.test("unknownFields() finds a misspelt field", () => {
  const { whole } = workloadOf(SHOWN);
  const misspelt = { ...whole, spec: { ...whole.spec, minReadySecond: 1 } };
  assertEquals(unknownFields(misspelt, validateDeployment), ["/spec/minReadySecond"]);
});

Deno.test("docs/kubernetes.md lists every manifest", () => {
  const page = read("docs/kubernetes.md");
  for (const path of [...MANIFESTS, CHECK, POLICY]) assert(page.includes(`(../${path})`), path);
});

for (const path of MANIFESTS) {
  Deno.test(`${path}: Kubernetes knows every field`, () => {
    for (const one of documentsOf(path)) {
      const validate = Object.entries(SCHEMAS).find(([kind]) => kind === one.kind)?.[1];
      assert(validate, `a schema for ${one.kind}`);
      assertEquals(unknownFields(one, validate), []);
    }
  });

  Deno.test(`${path}: its parts belong together`, () => {
    const { whole, pod } = workloadOf(path);
    assertEquals(whole.spec.selector.matchLabels, whole.spec.template.metadata.labels);
    const named = (kind: string) =>
      documentsOf(path).filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
    assertEquals(named("ServiceAccount"), [pod.serviceAccountName]);
    assertEquals(named("PodDisruptionBudget"), [whole.metadata.name]);
    const budget = documentsOf(path).find(({ kind }) => kind === "PodDisruptionBudget").spec;
    assertEquals(budget.selector, whole.spec.selector);
    assertEquals(budget.unhealthyPodEvictionPolicy, "AlwaysAllow");
  });

  Deno.test(`${path}: the pod is a restricted one, without a token or foreign variables`, () => {
    const { pod, sidecar, application } = workloadOf(path);
    assertEquals([pod.automountServiceAccountToken, pod.enableServiceLinks], [false, false]);
    assertEquals(pod.securityContext.runAsNonRoot, true);
    assert(Number(pod.securityContext.runAsUser) > 0);
    assertEquals(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
    for (const { securityContext } of [sidecar, application]) {
      assertEquals(securityContext.allowPrivilegeEscalation, false);
      assertEquals(securityContext.capabilities, { drop: ["ALL"] });
    }
  });

  Deno.test(`${path}: hook and probes call the port on which the sidecar listens`, () => {
    const workload = workloadOf(path);
    const port = runOf(workload).service?.listen.port ?? 0;
    assertCallsTheSidecar(workload, port);
    // By this name deploy/monitoring/ finds it.
    assertEquals(workload.sidecar.ports, [{ name: "nlb-registrator", containerPort: port }]);
  });

  Deno.test(`${path}: the grace period holds the drain and the application's end`, () => {
    const workload = workloadOf(path);
    const config = runOf(workload);
    const { drain, gracePeriod } = config;
    const { terminationGracePeriodSeconds: whole } = workload.pod;
    const longest = graceSeconds(config, 1);
    assertEquals(longest, 405, "the figure of docs/kubernetes.md");
    assert(whole >= longest + 30);
    assert(gracePeriod / 1_000 <= whole - 30, "time for the application's own end");
    assert(gracePeriod / 1_000 >= longest);
    // An ordinary sidecar gets SIGTERM at once, and has to stay.
    assertEquals(drain.wait, workload.sidecar.restartPolicy !== "Always");
  });
}

Deno.test(`${CHECK}: a Job with the sidecar of ${SHOWN}, its account and -check`, () => {
  const [job] = documentsOf(CHECK);
  assertEquals(unknownFields(job, validateJob), []);
  const { pod: { serviceAccountName, securityContext, ...pod }, sidecar } = workloadOf(SHOWN);
  const { spec } = job.spec.template;
  assertEquals([spec.serviceAccountName, spec.securityContext], [
    ...[serviceAccountName, securityContext],
  ]);
  assertEquals([spec.automountServiceAccountToken, spec.enableServiceLinks], [
    ...[pod.automountServiceAccountToken, pod.enableServiceLinks],
  ]);
  const { startupProbe: _, readinessProbe: __, restartPolicy: ___, ports: ____, ...same } = sidecar;
  assertEquals(spec.containers, [{ ...same, args: ["-check", ...sidecar.args] }]);
  assertEquals([spec.restartPolicy, job.spec.backoffLimit], ["Never", 0]);
  assert(runOf({ ...workloadOf(SHOWN), sidecar: spec.containers[0] }).check);
});

Deno.test("docs/kubernetes.md adds up the grace period as the flags have it", () => {
  const page = "docs/kubernetes.md";
  const rows = tableAfter(page, "## The grace period")
    .filter(([, , value]) => value !== "yours");
  const defaults = rows.map(([, code = "", value = ""]) => {
    const name = code.replaceAll("`", "").slice(1);
    if (name !== "") {
      assert(isFlagName(name), name);
      assertEquals(value, flag(name).default);
    }
    return Number(parseDuration(value) / 1_000_000_000n);
  });
  const sum = defaults.reduce((one, other) => one + other);
  assertMatch(read(page), new RegExp(`these are ${sum} s without`));
});

Deno.test("the IAM policy allows the calls that the code makes and nothing else", () => {
  const { Statement } = JSON.parse(read(POLICY));
  const allowed: Record<string, string> = Object.fromEntries(
    Statement.flatMap(({ Effect, Action, Resource }: Record<string, string | string[]>) => {
      assertEquals(Effect, "Allow");
      return [Action].flat().map((action) => [action, Resource]);
    }),
  );
  const calls = [...read("lib/aws/client.ts").matchAll(/new (\w+)Command\(/g)];
  const made = calls.map(([, call]) => `elasticloadbalancing:${call}`).sort();
  assertEquals(Object.keys(allowed).sort(), made);
  const group = /^arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[A-Za-z0-9-]+\/\*$/;
  for (const [action, resource] of Object.entries(allowed)) {
    // The API reference of IAM: Describe calls know no resource.
    if (action.includes("Describe")) assertEquals(resource, "*");
    else assert(group.test(resource), resource);
  }
});

function kustomize(path: string): Part {
  return parse(read(`deploy/kustomize/${path}`));
}

Deno.test("the Kustomize component and its example refer to files that exist", () => {
  const component = kustomize("component/kustomization.yaml");
  const example = kustomize("example/kustomization.yaml");
  assertEquals([component.kind, example.components], ["Component", ["../component"]]);
  for (const path of example.resources) assert(kustomize(`example/${path}`));
  for (const { path, target } of component.patches) {
    assert(kustomize(`component/${path}`));
    const [key, value] = target.labelSelector.split("=");
    assertEquals(kustomize("example/deployment.yaml").metadata.labels[key], value);
  }
});

/** What Kustomize makes: fields of the patch are added, and so are containers of other names. */
function merged(): Part {
  const deployment = kustomize("example/deployment.yaml");
  const patch = kustomize("component/sidecar.yaml");
  const [{ op, path, value }] = kustomize("component/drain.yaml");
  assertEquals([op, path], ["add", "/spec/template/spec/containers/0/lifecycle"]);
  const { template, ...spec } = deployment.spec;
  const { template: added, ...addedSpec } = patch.spec;
  const [application, ...others] = template.spec.containers;
  const containers = [{ ...application, lifecycle: value }, ...others];
  const pod = { ...template.spec, ...added.spec, containers };
  return { ...deployment, spec: { ...spec, ...addedSpec, template: { ...template, spec: pod } } };
}

Deno.test("the Kustomize component makes a whole Deployment of the example's", () => {
  const [{ name, literals }] = kustomize("example/kustomization.yaml").configMapGenerator;
  const env = Object.fromEntries(literals.map((literal: string) => literal.split("=")));
  assert(Object.keys(env).every((name) => name.startsWith(ENVIRONMENT_PREFIX)));
  const whole = merged();
  assertEquals(unknownFields(whole, validateDeployment), []);
  const workload = partsOf(whole);
  assertEquals(workload.sidecar.envFrom, [{ configMapRef: { name } }]);
  assertCallsTheSidecar(workload, runOf(workload, env).service?.listen.port ?? 0);
});
