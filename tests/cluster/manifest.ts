/** Reads Kubernetes manifests: what the API would refuse, and what is not known here, is refused. */
import { validate as isDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { validate as isServiceAccount } from "kubernetes-models/schemas/IoK8sApiCoreV1ServiceAccount";
import { validate as isBudget } from "kubernetes-models/schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { parseAllDocuments } from "yaml";
import { KNOWN, unknownFields } from "./fields.ts";
import { ManifestError } from "./manifest_error.ts";
import { readTemplate } from "./pod_template.ts";
import type { RawBudget, RawDeployment, RawDocument } from "./raw.ts";
import { type BudgetSpec, type DeploymentSpec, isSelected, type Manifest } from "./spec.ts";

type Validate = typeof isDeployment & { errors?: unknown };

/** By kind: its group and version, and the validator that was made from the API's own schema. */
const SCHEMAS: Readonly<Record<RawDocument["kind"], [string, Validate]>> = {
  Deployment: ["apps/v1", isDeployment],
  PodDisruptionBudget: ["policy/v1", isBudget],
  ServiceAccount: ["v1", isServiceAccount],
};

/**
 * Reads a file of manifests.
 * @param accepted Fields that are not known here and that the caller declares to have no effect
 * in its scene: `spec.template.spec.volumes`.
 * @throws {ManifestError} It is no YAML, not valid for Kubernetes, or not implemented here.
 */
export function readManifest(yaml: string, accepted: readonly string[] = []): Manifest {
  const documents = parseAllDocuments(yaml).map((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault) throw new ManifestError(fault.message);
    const value: unknown = document.toJS();
    return value;
  }).filter((value) => value !== null).map((value) => checked(value, new Set(accepted)));
  return {
    deployments: documents.filter((one) => one.kind === "Deployment").map(deployment),
    budgets: documents.filter((one) => one.kind === "PodDisruptionBudget").map(budget),
  };
}

function checked(value: unknown, accepted: ReadonlySet<string>): RawDocument {
  const { kind, apiVersion, metadata } = value as Record<string, unknown>;
  const name = (metadata as { name?: unknown } | undefined)?.name;
  const label = `${kind} ${name}`;
  if (!isKnown(kind)) {
    throw new ManifestError(`${label}: this kind is not implemented by the test cluster`);
  }
  const [version, validate] = SCHEMAS[kind];
  if (apiVersion !== version) {
    throw new ManifestError(`${label}: apiVersion ${apiVersion} is not implemented, ${version} is`);
  }
  if (!validate(value)) {
    throw new ManifestError(`${label} is not valid: ${JSON.stringify(validate.errors)}`);
  }
  const [unknown] = unknownFields(value, KNOWN[kind] ?? {}, accepted);
  if (unknown !== undefined) {
    throw new ManifestError(`${label}: ${unknown} is not implemented by the test cluster`);
  }
  if (typeof name !== "string") throw new ManifestError(`${kind} has no metadata.name`);
  return value as RawDocument;
}

function isKnown(kind: unknown): kind is RawDocument["kind"] {
  return typeof kind === "string" && kind in SCHEMAS;
}

function deployment({ metadata, spec }: RawDeployment): DeploymentSpec {
  const name = metadata.name ?? "";
  const { strategy = {}, selector, template } = spec;
  if ((strategy.type ?? "RollingUpdate") !== "RollingUpdate") {
    throw new ManifestError(
      `Deployment ${name}: strategy.type ${strategy.type} is not implemented, RollingUpdate is`,
    );
  }
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy.rollingUpdate ?? {};
  if (isZero(maxSurge) && isZero(maxUnavailable)) {
    throw new ManifestError(
      `Deployment ${name}: maxSurge and maxUnavailable may not both be 0`,
    );
  }
  const read = readTemplate(template, `Deployment ${name}`);
  const labels = selector.matchLabels ?? {};
  if (!isSelected(read.labels, labels) || Object.keys(labels).length === 0) {
    throw new ManifestError(
      `Deployment ${name}: spec.selector does not match the template's labels`,
    );
  }
  return {
    name,
    namespace: metadata.namespace ?? "default",
    replicas: spec.replicas ?? 1,
    minReady: spec.minReadySeconds ?? 0,
    progressDeadline: spec.progressDeadlineSeconds ?? 600,
    selector: labels,
    maxSurge,
    maxUnavailable,
    template: read,
  };
}

function isZero(count: number | string): boolean {
  return count === 0 || count === "0%";
}

function budget({ metadata, spec }: RawBudget): BudgetSpec {
  const name = metadata.name ?? "";
  const { minAvailable, maxUnavailable } = spec;
  if ((minAvailable === undefined) === (maxUnavailable === undefined)) {
    throw new ManifestError(
      `PodDisruptionBudget ${name}: give one of minAvailable and maxUnavailable`,
    );
  }
  return {
    name,
    namespace: metadata.namespace ?? "default",
    selector: spec.selector.matchLabels ?? {},
    limit: minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 0 } : { minAvailable },
    alwaysEvictsUnready: spec.unhealthyPodEvictionPolicy === "AlwaysAllow",
  };
}
