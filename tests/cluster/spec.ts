/** What the test cluster is to run, with all defaults filled in. Times are Kubernetes' seconds. */

/** What a hook or a probe does. */
export type Action =
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | {
    readonly kind: "httpGet";
    readonly port: number;
    readonly path: string;
    readonly host: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
  }
  | { readonly kind: "tcpSocket"; readonly port: number }
  | { readonly kind: "sleep"; readonly seconds: number };

/** The three probes of a container. */
export type ProbeKind = "startup" | "readiness" | "liveness";

/** A probe of a container. */
export interface Probe {
  readonly kind: ProbeKind;
  readonly action: Action;
  readonly initialDelay: number;
  readonly period: number;
  readonly timeout: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** A variable: a text in which `$(VAR)` may stand, or a field of the pod. */
export type Variable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly field: string };

/** A container of a pod. */
export interface ContainerSpec {
  readonly name: string;
  /** A sidecar is an init container that is restarted always. */
  readonly role: "sidecar" | "main";
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly probes: Readonly<Partial<Record<ProbeKind, Probe>>>;
  readonly preStop: Action | undefined;
}

/** What a Deployment makes pods from. */
export interface PodTemplate {
  readonly labels: Readonly<Record<string, string>>;
  readonly grace: number;
  readonly hostNetwork: boolean;
  /** Sidecars first, as they are started. */
  readonly containers: readonly ContainerSpec[];
}

/** A number of pods, or a part of them: `25%`. */
export type Count = number | string;

/** What has replicas. */
export interface WorkloadSpec {
  readonly name: string;
  readonly replicas: number;
  /** A StatefulSet has none; the default of a Deployment stands in for it. */
  readonly progressDeadline: number;
  readonly template: PodTemplate;
}

/** A Deployment. */
export interface DeploymentSpec extends WorkloadSpec {
  readonly kind: "Deployment";
  readonly maxSurge: Count;
  readonly maxUnavailable: Count;
}

/** A StatefulSet. */
export interface StatefulSetSpec extends WorkloadSpec {
  readonly kind: "StatefulSet";
  /** Whether its pods start all at once. */
  readonly isParallel: boolean;
}

/** A PodDisruptionBudget. */
export interface BudgetSpec {
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly limit: { readonly minAvailable: Count } | { readonly maxUnavailable: Count };
  /** Whether pods that are not ready may always be evicted. */
  readonly unhealthyAlways: boolean;
}

/** All of a manifest that does something here. */
export interface Manifest {
  readonly workloads: readonly (DeploymentSpec | StatefulSetSpec)[];
  readonly budgets: readonly BudgetSpec[];
}

/** A number of pods: a percentage is one of all of them. */
export function countOf(count: Count, all: number, round: (value: number) => number): number {
  if (typeof count === "number") return count;
  const percent = /^(\d+)%$/.exec(count)?.[1];
  if (percent === undefined) throw new RangeError(`${count} is neither a number nor a percentage`);
  return round(Number(percent) * all / 100);
}
