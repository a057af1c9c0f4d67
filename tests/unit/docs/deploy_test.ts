import { assert, assertEquals, assertMatch } from "@std/assert";
import { validate as validateDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { validate as validateStatefulSet } from "kubernetes-models/schemas/IoK8sApiAppsV1StatefulSet";
import { validate as validateService } from "kubernetes-models/schemas/IoK8sApiCoreV1Service";
import { validate as validateBudget } from "kubernetes-models/schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { validate as validateServiceAccount } from "kubernetes-models/schemas/IoK8sApiCoreV1ServiceAccount";
import { parseAllDocuments } from "yaml";
import { readConfig } from "../../../lib/config/config.ts";
import { parseDuration } from "../../../lib/host/duration.ts";
import { flag, isFlagName } from "../../../lib/config/flags.ts";
import { blocksOf, read, tableAfter } from "./_docs.ts";

/** The manifests that people copy. */
const MANIFESTS = [
  "deploy/native-sidecar.yaml",
  "deploy/ordinary-sidecar.yaml",
  "deploy/several-groups.yaml",
  "deploy/kafka-statefulset.yaml",
] as const;
/** The one that the README shows. */
const SHOWN = "deploy/native-sidecar.yaml";
const POLICY = "deploy/iam-policy.json";

type Validate = typeof validateDeployment & { errors?: unknown };

/** By kind, the validator that was made from the API's own schema. */
const SCHEMAS: Readonly<Record<string, Validate>> = {
  Deployment: validateDeployment,
  StatefulSet: validateStatefulSet,
  Service: validateService,
  ServiceAccount: validateServiceAccount,
  PodDisruptionBudget: validateBudget,
};

interface HttpGet {
  readonly httpGet?: { readonly path: string; readonly port: number };
}

interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly startupProbe?: HttpGet;
  readonly readinessProbe?: HttpGet;
  readonly livenessProbe?: HttpGet;
  readonly lifecycle?: { readonly preStop?: HttpGet };
}

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Workload extends Document {
  readonly spec: {
    readonly selector: { readonly matchLabels: unknown };
    readonly template: {
      readonly metadata: { readonly labels: unknown };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly initContainers?: readonly Container[];
        readonly containers: readonly Container[];
      };
    };
  };
}

function documentsOf(path: string): Document[] {
  return parseAllDocuments(read(path)).map((document) => {
    assertEquals([...document.errors, ...document.warnings], []);
    return document.toJS();
  });
}

function isWorkload(one: Document): one is Workload {
  return one.kind === "Deployment" || one.kind === "StatefulSet";
}

function workloadOf(path: string): Workload {
  const [found] = documentsOf(path).filter(isWorkload);
  assert(found);
  return found;
}

function containersOf(path: string): readonly Container[] {
  const { initContainers = [], containers } = workloadOf(path).spec.template.spec;
  return [...initContainers, ...containers];
}

function sidecarOf(path: string): Container {
  const [found] = containersOf(path).filter(({ args }) => args);
  assert(found);
  return found;
}

function applicationOf(path: string): Container {
  const [found] = containersOf(path).filter(({ args }) => !args);
  assert(found);
  return found;
}

/** What the Downward API would say of a pod, by field. */
const FIELDS: Readonly<Record<string, string>> = {
  "status.podIP": "10.0.0.1",
  "status.podIPs": "10.0.0.1,2001:db8::1",
  "status.hostIP": "10.0.0.254",
  "metadata.name": "kafka-0",
};

/** What the sidecar reads of its arguments and environment, as Kubernetes expands them. */
function runOf(path: string) {
  const { args = [], env = [] } = sidecarOf(path);
  const variables = Object.fromEntries(
    env.map(({ name, valueFrom }) => [name, FIELDS[valueFrom.fieldRef.fieldPath] ?? ""]),
  );
  const expanded = args.map((arg) =>
    arg.replaceAll(/\$\(([A-Z_]+)\)/g, (whole, name) => variables[name] ?? whole)
  );
  const reading = readConfig(expanded, variables);
  assert(reading.kind === "run", JSON.stringify(reading));
  return reading;
}

/** The schemas allow fields that they do not know; the API server drops or refuses them. */
function unknownFields(value: unknown, validate: Validate): string[] {
  const seen = new Set<string>();
  const watched = watch(value, "", seen);
  assert(validate(watched), JSON.stringify(validate.errors));
  return leaves(value, "").filter((path) => !seen.has(path));
}

/** A copy that notes which of its fields are read: a validator reads those that it knows. */
function watch(value: unknown, path: string, seen: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, watch(field, `${path}/${key}`, seen)]),
  );
  return new Proxy(Array.isArray(value) ? Object.values(inner) : inner, {
    get: (target, key) => {
      if (typeof key === "string") seen.add(`${path}/${key}`);
      return Reflect.get(target, key);
    },
  });
}

function leaves(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, field]) => leaves(field, `${path}/${key}`));
}

Deno.test("the README shows the manifest and the policy as they are in deploy/", () => {
  const shown = blocksOf("README.md").map(({ text }) => text);
  for (const path of [SHOWN, POLICY]) assert(shown.includes(read(path)), path);
});

Deno.test("unknownFields() finds a misspelt field", () => {
  const whole = workloadOf(SHOWN);
  const misspelt = { ...whole, spec: { ...whole.spec, minReadySecond: 1 } };
  assertEquals(unknownFields(misspelt, validateDeployment), ["/spec/minReadySecond"]);
});

Deno.test("docs/kubernetes.md tells of every manifest", () => {
  const page = read("docs/kubernetes.md");
  for (const path of [...MANIFESTS, POLICY]) assert(page.includes(`(../${path})`), path);
});

for (const path of MANIFESTS) {
  Deno.test(`${path}: Kubernetes knows every field`, () => {
    for (const one of documentsOf(path)) {
      const validate = SCHEMAS[one.kind];
      assert(validate, `a schema for ${one.kind}`);
      assertEquals(unknownFields(one, validate), []);
    }
  });

  Deno.test(`${path}: the flags are flags of the sidecar, and nothing is odd about them`, () => {
    assertEquals(runOf(path).warnings, []);
  });

  Deno.test(`${path}: its parts belong together`, () => {
    const { selector, template } = workloadOf(path).spec;
    assertEquals(selector.matchLabels, template.metadata.labels);
    const named = (kind: string) =>
      documentsOf(path).filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
    assertEquals(named("ServiceAccount"), [template.spec.serviceAccountName]);
    assertEquals(named("PodDisruptionBudget"), [workloadOf(path).metadata.name]);
  });

  Deno.test(`${path}: the pod is a restricted one`, () => {
    const { securityContext } = workloadOf(path).spec.template.spec;
    assertEquals(securityContext.runAsNonRoot, true);
    assert(Number(securityContext.runAsUser) > 0);
    assertEquals(securityContext.seccompProfile, { type: "RuntimeDefault" });
    for (const container of containersOf(path)) {
      assertEquals(container.securityContext?.allowPrivilegeEscalation, false);
      assertEquals(container.securityContext?.capabilities, { drop: ["ALL"] });
    }
  });

  Deno.test(`${path}: hook and probes call the port on which the sidecar listens`, () => {
    const port = runOf(path).config.service?.listen.port;
    const { startupProbe, readinessProbe, livenessProbe, restartPolicy } = sidecarOf(path);
    assertEquals(applicationOf(path).lifecycle?.preStop?.httpGet, { path: "/drain", port });
    assertEquals(readinessProbe?.httpGet, { path: "/readyz", port });
    // The deadlock trap: the application starts only after a native sidecar's startup probe.
    const startup = restartPolicy === "Always" ? { path: "/startupz", port } : undefined;
    assertEquals(startupProbe?.httpGet, startup);
    assertEquals(livenessProbe, undefined);
  });

  Deno.test(`${path}: an ordinary sidecar stays until drained, a native one has no need to`, () => {
    const isNative = sidecarOf(path).restartPolicy === "Always";
    assertEquals(runOf(path).config.drain.wait, !isNative);
  });

  Deno.test(`${path}: the grace period holds what a drain may take, and the application's end`, () => {
    const { config } = runOf(path);
    const { terminationGracePeriodSeconds: whole } = workloadOf(path).spec.template.spec;
    const longest = (config.hooks["pre-deregister"].timeout + config.timeouts.deregister +
      config.timeouts.confirmSettle + config.drain.timeout +
      config.hooks["post-deregister"].timeout) / 1_000;
    assertEquals(longest, 405, "the figure of docs/kubernetes.md");
    assert(whole >= longest + 30);
    assert(config.gracePeriod / 1_000 <= whole - 30, "time for the application's own end");
    assert(config.gracePeriod / 1_000 >= longest);
  });
}

Deno.test("docs/kubernetes.md adds up the grace period as the flags have it", () => {
  const page = "docs/kubernetes.md";
  const rows = tableAfter(page, "## The grace period").filter(([, name]) => name !== "");
  const defaults = rows.map(([, code = "", value = ""]) => {
    const name = code.replaceAll("`", "").slice(1);
    assert(isFlagName(name), name);
    assertEquals(value.replaceAll("`", ""), flag(name).default);
    return Number(parseDuration(value) / 1_000_000_000n);
  });
  const sum = defaults.reduce((one, other) => one + other);
  assertMatch(read(page), new RegExp(`these are ${sum} s without`));
});

Deno.test("the IAM policy allows the five calls and nothing else", () => {
  const { Statement } = JSON.parse(read(POLICY));
  const allowed: Record<string, string> = Object.fromEntries(
    Statement.flatMap(({ Effect, Action, Resource }: Record<string, string | string[]>) => {
      assertEquals(Effect, "Allow");
      return [Action].flat().map((action) => [action, Resource]);
    }),
  );
  const group = /^arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[A-Za-z0-9-]+\/\*$/;
  assertEquals(Object.keys(allowed).sort(), callsOfThePort());
  for (const [action, resource] of Object.entries(allowed)) {
    // The API reference of IAM: describing calls know no resource.
    if (action.includes("Describe")) assertEquals(resource, "*");
    else assert(group.test(resource), resource);
  }
});

/** The calls that the sidecar's code can make. */
function callsOfThePort(): string[] {
  const calls = read("lib/aws/client.ts").matchAll(/new (\w+)Command\(/g);
  return [...calls].map(([, call]) => `elasticloadbalancing:${call}`).sort();
}
