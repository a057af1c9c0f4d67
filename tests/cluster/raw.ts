/** Manifests as they are written, once the API's own schemas have found them in order. */

export interface RawHandler {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: {
    readonly port: number | string;
    readonly path?: string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string };
  readonly sleep?: { readonly seconds: number };
}

export interface RawProbe extends RawHandler {
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
  readonly terminationGracePeriodSeconds?: number;
}

export interface RawContainer {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly startupProbe?: RawProbe;
  readonly readinessProbe?: RawProbe;
  readonly livenessProbe?: RawProbe;
  readonly lifecycle?: { readonly postStart?: RawHandler; readonly preStop?: RawHandler };
  readonly restartPolicy?: string;
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: string;
}

interface RawMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RawTemplate {
  readonly metadata?: RawMetadata;
  readonly spec: {
    readonly containers: readonly RawContainer[];
    readonly initContainers?: readonly RawContainer[];
    readonly terminationGracePeriodSeconds?: number;
    readonly restartPolicy?: string;
    readonly shareProcessNamespace?: boolean;
    readonly serviceAccountName?: string;
  };
}

export interface RawDeployment {
  readonly kind: "Deployment";
  readonly metadata: RawMetadata;
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly progressDeadlineSeconds?: number;
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxSurge?: number | string;
        readonly maxUnavailable?: number | string;
      };
    };
    readonly template: RawTemplate;
  };
}

export interface RawBudget {
  readonly kind: "PodDisruptionBudget";
  readonly metadata: RawMetadata;
  readonly spec: {
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
    readonly unhealthyPodEvictionPolicy?: string;
  };
}

/** A document of a kind that the test cluster knows. */
export type RawDocument =
  | RawDeployment
  | RawBudget
  | { readonly kind: "ServiceAccount"; readonly metadata: RawMetadata };
