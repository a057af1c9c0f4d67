/** Manifests, against Kubernetes' schemas and against what the sidecar makes of its arguments. */
import { assert, assertEquals } from "@std/assert";
import { validate as validateConfigMap } from "kubernetes-models/schemas/IoK8sApiCoreV1ConfigMap";
import { validate as validateDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { validate as validateStatefulSet } from "kubernetes-models/schemas/IoK8sApiAppsV1StatefulSet";
import { validate as validateSecret } from "kubernetes-models/schemas/IoK8sApiCoreV1Secret";
import { validate as validatePolicy } from "kubernetes-models/schemas/IoK8sApiNetworkingV1NetworkPolicy";
import { validate as validateService } from "kubernetes-models/schemas/IoK8sApiCoreV1Service";
import { validate as validateBudget } from "kubernetes-models/schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { validate as validateServiceAccount } from "kubernetes-models/schemas/IoK8sApiCoreV1ServiceAccount";
import { type Config, readConfig } from "../../../lib/config/config.ts";
import { type Part, unknownFields } from "./_schemas.ts";

/** By kind, the validator that was made from the API's own schema. */
const SCHEMAS = {
  ConfigMap: validateConfigMap,
  Deployment: validateDeployment,
  StatefulSet: validateStatefulSet,
  Service: validateService,
  ServiceAccount: validateServiceAccount,
  NetworkPolicy: validatePolicy,
  PodDisruptionBudget: validateBudget,
  Secret: validateSecret,
};

/** A workload, the sidecar in it, and its application. */
export interface Workload {
  readonly whole: Part;
  readonly pod: Part;
  readonly sidecar: Part;
  readonly application: Part;
}

/** The parts of a workload; the sidecar is the container of that name. */
export function partsOf(whole: Part): Workload {
  const { spec: pod } = whole.spec.template;
  const containers: Part[] = [...pod.initContainers ?? [], ...pod.containers];
  const isSidecar = ({ name }: Part) => name === "nlb-registrator";
  const sidecar = containers.find(isSidecar);
  const application = containers.find((one) => !isSidecar(one));
  return { whole, pod, sidecar, application };
}

/** What the Downward API would say of a pod, by field. */
const FIELDS: Readonly<Record<string, string>> = {
  "status.podIP": "10.0.0.1",
  "status.podIPs": "10.0.0.1,2001:db8::1",
  "status.hostIP": "10.0.0.254",
  "metadata.name": "kafka-0",
};

/** What the sidecar reads of its arguments and environment, as Kubernetes expands them. */
export function runOf({ sidecar }: Workload, more: Readonly<Record<string, string>> = {}): Config {
  const variables: Record<string, string> = { ...more };
  for (const { name, value, valueFrom } of sidecar.env) {
    variables[name] = value ?? FIELDS[valueFrom.fieldRef.fieldPath] ?? "";
  }
  const args = (sidecar.args ?? []).map((arg: string) =>
    arg.replaceAll(/\$\(([A-Z_]+)\)/g, (whole, name) => variables[name] ?? whole)
  );
  const reading = readConfig(args, variables);
  assert(reading.kind === "run", JSON.stringify(reading));
  assertEquals(reading.warnings, []);
  return reading.config;
}

/** The fields of a document that Kubernetes does not know. */
export function unknownTo(document: Part): string[] {
  const validate = Object.entries(SCHEMAS).find(([kind]) => kind === document.kind)?.[1];
  assert(validate, `a schema for ${document.kind}`);
  return unknownFields(document, validate);
}

/** Probes and hook, by the port on which the sidecar listens. */
export function assertCallsTheSidecar(workload: Workload, port: number): void {
  const { sidecar, application } = workload;
  const isNative = sidecar.restartPolicy === "Always";
  assertEquals(application.lifecycle.preStop.httpGet, { path: "/drain", port });
  assertEquals(sidecar.readinessProbe.httpGet, { path: "/readyz", port });
  // The application starts only after a native sidecar's startup probe.
  assertEquals(sidecar.startupProbe?.httpGet, isNative ? { path: "/startupz", port } : undefined);
  assertEquals(sidecar.livenessProbe, undefined);
}
