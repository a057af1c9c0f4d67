/** The manifests of `deploy/` against Kubernetes' schemas, against the sidecar, and against the docs. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { validate as validateJob } from "kubernetes-models/schemas/IoK8sApiBatchV1Job";
import { parseDuration } from "../../../lib/host/duration.ts";
import { flag, isFlagName } from "../../../lib/config/flags.ts";
import { graceSeconds } from "../../../lib/preflight.ts";
import { blocksOf, read, tableAfter, urlOf } from "./_docs.ts";
import { assertCallsTheSidecar, partsOf, runOf, unknownTo, type Workload } from "./_manifests.ts";
import { documentsOf, unknownFields } from "./_schemas.ts";

/** The Job that tries the others' flags. */
const CHECK = "deploy/check.yaml";
/** Who may reach the pods of the one that the README shows. */
const NETWORK = "deploy/network-policy.yaml";
const MANIFESTS = [...Deno.readDirSync(urlOf("deploy/"))].map(({ name }) => `deploy/${name}`)
  .filter((path) => path.endsWith(".yaml") && ![CHECK, NETWORK].includes(path)).sort();
/** The one that the README shows. */
const SHOWN = "deploy/native-sidecar.yaml";
const POLICY = "deploy/iam-policy.json";

function workloadOf(path: string): Workload {
  return partsOf(documentsOf(path).find(({ kind }) => /Deployment|StatefulSet/.test(kind)));
}

Deno.test("the README shows the manifest and the policy as they are in deploy/", () => {
  const shown = blocksOf("README.md").map(({ text }) => text);
  for (const path of [SHOWN, POLICY]) assert(shown.includes(read(path)), path);
});

Deno.test("unknownFields() finds a misspelt field", () => {
  const { whole } = workloadOf(SHOWN);
  const misspelt = { ...whole, spec: { ...whole.spec, minReadySecond: 1 } };
  assertEquals(unknownTo(misspelt), ["/spec/minReadySecond"]);
});

Deno.test("docs/kubernetes.md lists every manifest", () => {
  const page = read("docs/kubernetes.md");
  for (const path of [...MANIFESTS, CHECK, NETWORK, POLICY]) {
    assert(page.includes(`(../${path})`), path);
  }
});

for (const path of MANIFESTS) {
  Deno.test(`${path}: Kubernetes knows every field`, () => {
    for (const one of documentsOf(path)) assertEquals(unknownTo(one), []);
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

Deno.test(`${NETWORK}: opens the application's port, and the sidecar's to one namespace only`, () => {
  const [policy] = documentsOf(NETWORK);
  assertEquals(unknownTo(policy), []);
  const { podSelector, policyTypes, ingress: [clients, monitoring, ...others] } = policy.spec;
  const { whole, sidecar, application } = workloadOf(SHOWN);
  assertEquals([podSelector, policyTypes, others], [whole.spec.selector, ["Ingress"], []]);
  const ports = ({ ports }: Workload["sidecar"]) =>
    ports.map(({ port, containerPort = port }: Record<string, number>) => containerPort);
  assertEquals(ports(clients), ports(application));
  assertEquals(ports(monitoring), ports(sidecar));
  assertEquals(Object.keys(monitoring.from[0]), ["namespaceSelector"]);
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
    return Number((parseDuration(value) ?? 0n) / 1_000_000_000n);
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
