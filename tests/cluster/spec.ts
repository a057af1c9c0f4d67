/** What the test cluster is to run, with all defaults filled in. Times are Kubernetes' seconds. */

/** What a hook or a probe does. */
export type Action =
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | {
    readonly kind: "httpGet";
    readonly port: number;
    readonly path: string;
    readonly headers: readonly (readonly [string, string])[];
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
  /** Instead of the pod's, when this probe ends the container. */
  readonly grace: number | undefined;
}

/** A variable: a text in which `$(VAR)` may stand, or a field of the pod. */
export type Variable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly field: string };

/** What part a container plays in the start and the end of its pod. */
export type Role = "init" | "sidecar" | "main";

/** A container of a pod. */
export interface ContainerSpec {
  readonly name: string;
  readonly role: Role;
  readonly image: string;
  /** Instead of what the image would start. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly probes: Readonly<Partial<Record<ProbeKind, Probe>>>;
  readonly postStart: Action | undefined;
  readonly preStop: Action | undefined;
  readonly terminationMessagePath: string;
  /** Whether the end of the log stands in for a missing message after a failure. */
  readonly fallsBackToLog: boolean;
}

/** What a ReplicaSet makes pods from. */
export interface PodTemplate {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly grace: number;
  readonly serviceAccountName: string;
  /** In their order in the manifest: init containers and sidecars, then the main ones. */
  readonly containers: readonly ContainerSpec[];
}

/** A number of pods, or a part of them: `25%`. */
export type Count = number | string;

/** A Deployment. */
export interface DeploymentSpec {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly minReady: number;
  readonly progressDeadline: number;
  readonly selector: Readonly<Record<string, string>>;
  readonly maxSurge: Count;
  readonly maxUnavailable: Count;
  readonly template: PodTemplate;
}

/** A PodDisruptionBudget. */
export interface BudgetSpec {
  readonly name: string;
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly limit: { readonly minAvailable: Count } | { readonly maxUnavailable: Count };
  /** Whether a pod that is not ready may be evicted whatever the budget says. */
  readonly alwaysEvictsUnready: boolean;
}

/** All of a manifest that does something here. */
export interface Manifest {
  readonly deployments: readonly DeploymentSpec[];
  readonly budgets: readonly BudgetSpec[];
}

/** Whether labels have everything that a selector asks for. */
export function isSelected(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
