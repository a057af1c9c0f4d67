/** Reads Kubernetes manifests; what this cluster does not know is refused, not passed over. */
import { parseAllDocuments } from "yaml";
import { FieldReader, ManifestError } from "./fields.ts";
import type {
  Action,
  BudgetSpec,
  ContainerSpec,
  DeploymentSpec,
  Manifest,
  PodTemplate,
  Probe,
  ProbeKind,
  StatefulSetSpec,
  Variable,
} from "./spec.ts";

/** Of a Deployment, in seconds. */
const PROGRESS_DEADLINE = 600;

/** All pods share one network here, and nothing calls the API. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["ServiceAccount", "Service", "NetworkPolicy"]);

/**
 * Reads a file of manifests. That they are valid for Kubernetes is tested elsewhere.
 * @throws {ManifestError} It has something that is not implemented here.
 */
export function readManifest(yaml: string): Manifest {
  const workloads: (DeploymentSpec | StatefulSetSpec)[] = [];
  const budgets: BudgetSpec[] = [];
  for (const document of parseAllDocuments(yaml)) {
    const value: unknown = document.toJS();
    if (value === null) continue;
    const kind = new FieldReader(value, "").text("kind");
    const reader = new FieldReader(value, kind);
    reader.ignore("apiVersion", "kind");
    if (WITHOUT_EFFECT.has(kind)) continue;
    else if (kind === "Deployment") workloads.push(deployment(reader));
    else if (kind === "StatefulSet") workloads.push(statefulSet(reader));
    else if (kind === "PodDisruptionBudget") budgets.push(budget(reader));
    else throw new ManifestError(`${kind} is not implemented by the test cluster`);
    reader.refuseRest();
  }
  return { workloads, budgets };
}

function nameOf(reader: FieldReader): string {
  const metadata = reader.object("metadata");
  metadata.ignore("labels", "namespace");
  return metadata.text("name");
}

function deployment(reader: FieldReader): DeploymentSpec {
  const name = nameOf(reader);
  const spec = reader.object("spec");
  spec.ignore("selector", "revisionHistoryLimit");
  const update = spec.object("strategy").object("rollingUpdate");
  return {
    kind: "Deployment",
    name,
    replicas: spec.number("replicas", 1),
    progressDeadline: spec.number("progressDeadlineSeconds", PROGRESS_DEADLINE),
    maxSurge: update.count("maxSurge", "25%"),
    maxUnavailable: update.count("maxUnavailable", "25%"),
    template: template(spec.object("template")),
  };
}

function statefulSet(reader: FieldReader): StatefulSetSpec {
  const name = nameOf(reader);
  const spec = reader.object("spec");
  spec.ignore("selector", "serviceName", "revisionHistoryLimit");
  return {
    kind: "StatefulSet",
    name,
    replicas: spec.number("replicas", 1),
    progressDeadline: PROGRESS_DEADLINE,
    isParallel: spec.text("podManagementPolicy") === "Parallel",
    template: template(spec.object("template")),
  };
}

function budget(reader: FieldReader): BudgetSpec {
  const name = nameOf(reader);
  const spec = reader.object("spec");
  return {
    name,
    selector: spec.object("selector").record("matchLabels"),
    limit: spec.has("minAvailable")
      ? { minAvailable: spec.count("minAvailable", 0) }
      : { maxUnavailable: spec.count("maxUnavailable", 0) },
    unhealthyAlways: spec.text("unhealthyPodEvictionPolicy") === "AlwaysAllow",
  };
}

function template(reader: FieldReader): PodTemplate {
  const metadata = reader.object("metadata");
  metadata.ignore("annotations");
  const spec = reader.object("spec");
  spec.ignore("serviceAccountName", "automountServiceAccountToken", "securityContext");
  spec.ignore("enableServiceLinks");
  return {
    labels: metadata.record("labels"),
    grace: spec.number("terminationGracePeriodSeconds", 30),
    hostNetwork: spec.text("hostNetwork") === "true",
    containers: [
      ...spec.objects("initContainers").map((one) => container(one, "sidecar")),
      ...spec.objects("containers").map((one) => container(one, "main")),
    ],
  };
}

function container(reader: FieldReader, role: ContainerSpec["role"]): ContainerSpec {
  reader.ignore("ports", "resources", "securityContext", "imagePullPolicy");
  reader.ignore("terminationMessagePolicy");
  if (reader.text("restartPolicy") !== (role === "sidecar" ? "Always" : "")) {
    throw new ManifestError(`${reader.path}: init containers are sidecars here, and others not`);
  }
  const lifecycle = reader.object("lifecycle");
  const probes = (["startup", "readiness", "liveness"] as const)
    .filter((kind) => reader.has(`${kind}Probe`))
    .map((kind) => [kind, probe(kind, reader.object(`${kind}Probe`))]);
  return {
    name: reader.text("name"),
    role,
    image: reader.text("image"),
    args: reader.texts("args"),
    env: reader.objects("env").map(variable),
    probes: Object.fromEntries(probes),
    preStop: lifecycle.has("preStop") ? action(lifecycle.object("preStop")) : undefined,
  };
}

function variable(reader: FieldReader): Variable {
  const name = reader.text("name");
  if (!reader.has("valueFrom")) return { name, value: reader.text("value") };
  return { name, field: reader.object("valueFrom").object("fieldRef").text("fieldPath") };
}

function probe(kind: ProbeKind, reader: FieldReader): Probe {
  return {
    kind,
    action: action(reader),
    initialDelay: reader.number("initialDelaySeconds", 0),
    period: reader.number("periodSeconds", 10),
    timeout: reader.number("timeoutSeconds", 1),
    successThreshold: reader.number("successThreshold", 1),
    failureThreshold: reader.number("failureThreshold", 3),
  };
}

function action(reader: FieldReader): Action {
  if (reader.has("exec")) return { kind: "exec", command: reader.object("exec").texts("command") };
  if (reader.has("sleep")) {
    return { kind: "sleep", seconds: reader.object("sleep").number("seconds", 0) };
  }
  if (reader.has("tcpSocket")) {
    return { kind: "tcpSocket", port: reader.object("tcpSocket").number("port", 0) };
  }
  if (!reader.has("httpGet")) throw new ManifestError(`${reader.path}: there is no handler`);
  const get = reader.object("httpGet");
  return {
    kind: "httpGet",
    port: get.number("port", 0),
    path: get.text("path", "/"),
    host: get.has("host") ? get.text("host") : undefined,
    headers: Object.fromEntries(
      get.objects("httpHeaders").map((header) => [header.text("name"), header.text("value")]),
    ),
  };
}
