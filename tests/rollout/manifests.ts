/** The manifest of each strategy: that of `deploy/`, and for the others, what differs from it. */
import { parseAllDocuments, stringify } from "yaml";
import type { Registrar, Strategy } from "./strategies.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

/** The image that stands for the original program. */
export const GO_IMAGE = "go-sidecar:stand-in";
/** The name of the Deployment, of its application's container, and of the target group. */
export const NAME = "edge";
/** The name of the sidecar's container. */
export const SIDECAR = "nlb-registrator";
/** Where the application listens, and the sidecar. */
export const PORTS = { application: 8443, sidecar: 8081, health: 8082 } as const;
/** What the application needs for its own end, in seconds. */
const END = 30;

/** What may be different from the manifest as it is. */
export interface ManifestChanges {
  readonly replicas?: number;
  /** A liveness probe of the application, on its health port. */
  readonly liveness?: boolean;
  /** Arguments of the sidecar in the place of those of the same names. */
  readonly args?: readonly string[];
  readonly preStopPath?: string;
}

interface Container {
  readonly name: string;
  image?: string;
  args?: string[];
  env?: unknown;
  readinessProbe?: unknown;
  livenessProbe?: unknown;
  lifecycle?: unknown;
}

/** As far as it is changed here. */
interface Document {
  readonly kind: string;
  readonly spec: {
    replicas: number;
    readonly template: {
      readonly spec: {
        terminationGracePeriodSeconds?: number;
        initContainers?: Container[];
        containers: Container[];
      };
    };
  };
}

/** The manifest of a strategy, as YAML. */
export function manifestOf({ registrar }: Strategy, changes: ManifestChanges = {}): string {
  const isNative = registrar.by === "sidecar" && registrar.kind === "native";
  const file = isNative ? "native-sidecar.yaml" : "ordinary-sidecar.yaml";
  const documents = parseAllDocuments(Deno.readTextFileSync(new URL(file, DEPLOY)))
    .map((document): Document => document.toJS());
  const deployment = documents.find(({ kind }) => kind === "Deployment");
  if (!deployment) throw new Error(`${file} has no Deployment`);
  useRegistrar(deployment, registrar);
  deployment.spec.replicas = changes.replicas ?? deployment.spec.replicas;
  const application = containerOf(deployment, NAME);
  const { liveness, args, preStopPath: path } = changes;
  const httpGet = { path: "/", port: PORTS.health };
  if (liveness) application.livenessProbe = { httpGet, periodSeconds: 10, timeoutSeconds: 5 };
  if (args) replaceArgs(containerOf(deployment, SIDECAR), args);
  if (path) application.lifecycle = { preStop: { httpGet: { path, port: PORTS.sidecar } } };
  return documents.map((document) => stringify(document)).join("---\n");
}

function useRegistrar(deployment: Document, registrar: Registrar): void {
  const { spec } = deployment.spec.template;
  const application = containerOf(deployment, NAME);
  const sidecar = containerOf(deployment, SIDECAR);
  switch (registrar.by) {
    case "controller": {
      spec.containers = [application];
      const sleep = registrar.preStopSleep;
      if (sleep === undefined) delete application.lifecycle;
      else application.lifecycle = { preStop: { sleep: { seconds: sleep } } };
      spec.terminationGracePeriodSeconds = (sleep ?? 0) + END;
      addGate(application);
      return;
    }
    case "go-sidecar":
      delete application.lifecycle;
      sidecar.image = GO_IMAGE;
      sidecar.args = [`-target-group-name=${NAME}`, "-target-id=$(POD_IP)"];
      delete sidecar.readinessProbe;
      return;
    case "sidecar":
      sidecar.args = (sidecar.args ?? []).filter((arg) =>
        registrar.waitIdle || arg !== "-wait-idle"
      );
      // As the documentation has it for such a health check.
      if (registrar.healthCheck === "/target") sidecar.args.push("-min-drain-time=45s");
  }
}

function containerOf({ spec: { template: { spec } } }: Document, name: string): Container {
  const all = [...spec.initContainers ?? [], ...spec.containers];
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`there is no container ${name}`);
  return found;
}

/**
 * The readiness gate of a controller, which the test cluster does not have: as a probe for
 * a file, which the controller makes when the target is healthy.
 */
function addGate(application: Container): void {
  application.env = [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }];
  application.readinessProbe = {
    exec: { command: ["/bin/sh", "-c", 'test -e "$READINESS_GATES/$POD_IP"'] },
    periodSeconds: 10,
  };
}

function replaceArgs(container: Container, args: readonly string[]): void {
  const given = new Set(args.map(flagOf));
  const kept = (container.args ?? []).filter((arg) => !given.has(flagOf(arg)));
  container.args = [...kept, ...args];
}

/** The name of the flag in an argument. */
export function flagOf(arg: string): string {
  return arg.split("=")[0] ?? arg;
}
