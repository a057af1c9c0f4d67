/** Which fields of a manifest the test cluster knows; all others are refused, not passed over. */

/** The field is acted on. */
const ACTED_ON = "acted on";

/** The field says nothing about what is shown here: the README names each and why. */
const NO_EFFECT = "no effect";

/** What may stand at a place: a value, an object with these fields, or a list of such objects. */
export type Known =
  | typeof ACTED_ON
  | typeof NO_EFFECT
  | { readonly [name: string]: Known }
  | readonly [Known];

const HANDLER = {
  exec: { command: ACTED_ON },
  httpGet: { path: ACTED_ON, port: ACTED_ON, scheme: ACTED_ON, httpHeaders: ACTED_ON },
} as const;

const PROBE = {
  ...HANDLER,
  tcpSocket: { port: ACTED_ON },
  initialDelaySeconds: ACTED_ON,
  periodSeconds: ACTED_ON,
  timeoutSeconds: ACTED_ON,
  successThreshold: ACTED_ON,
  failureThreshold: ACTED_ON,
  terminationGracePeriodSeconds: ACTED_ON,
} as const;

const HOOK = { ...HANDLER, sleep: { seconds: ACTED_ON } } as const;

const CONTAINER = {
  name: ACTED_ON,
  image: ACTED_ON,
  command: ACTED_ON,
  args: ACTED_ON,
  env: [{
    name: ACTED_ON,
    value: ACTED_ON,
    valueFrom: { fieldRef: { fieldPath: ACTED_ON, apiVersion: NO_EFFECT } },
  }],
  ports: [{ name: ACTED_ON, containerPort: ACTED_ON, protocol: NO_EFFECT }],
  startupProbe: PROBE,
  readinessProbe: PROBE,
  livenessProbe: PROBE,
  lifecycle: { postStart: HOOK, preStop: HOOK },
  restartPolicy: ACTED_ON,
  terminationMessagePath: ACTED_ON,
  terminationMessagePolicy: ACTED_ON,
  imagePullPolicy: NO_EFFECT,
  resources: NO_EFFECT,
  securityContext: NO_EFFECT,
} as const satisfies Known;

const METADATA = {
  name: ACTED_ON,
  namespace: ACTED_ON,
  labels: ACTED_ON,
  annotations: ACTED_ON,
} as const;

const HEAD = { apiVersion: ACTED_ON, kind: ACTED_ON, metadata: METADATA } as const;

const SELECTOR = { matchLabels: ACTED_ON } as const;

/** By kind, what is known. */
export const KNOWN: Readonly<Record<string, Known>> = {
  Deployment: {
    ...HEAD,
    spec: {
      replicas: ACTED_ON,
      minReadySeconds: ACTED_ON,
      progressDeadlineSeconds: ACTED_ON,
      revisionHistoryLimit: NO_EFFECT,
      selector: SELECTOR,
      strategy: {
        type: ACTED_ON,
        rollingUpdate: { maxSurge: ACTED_ON, maxUnavailable: ACTED_ON },
      },
      template: {
        metadata: METADATA,
        spec: {
          containers: [CONTAINER],
          initContainers: [CONTAINER],
          terminationGracePeriodSeconds: ACTED_ON,
          restartPolicy: ACTED_ON,
          shareProcessNamespace: ACTED_ON,
          serviceAccountName: ACTED_ON,
          automountServiceAccountToken: NO_EFFECT,
          enableServiceLinks: NO_EFFECT,
          securityContext: NO_EFFECT,
        },
      },
    },
  },
  PodDisruptionBudget: {
    ...HEAD,
    spec: {
      selector: SELECTOR,
      minAvailable: ACTED_ON,
      maxUnavailable: ACTED_ON,
      unhealthyPodEvictionPolicy: ACTED_ON,
    },
  },
  ServiceAccount: { ...HEAD, automountServiceAccountToken: NO_EFFECT },
};

/**
 * The fields that are not known, as paths: `spec.template.spec.containers[].volumeMounts`.
 * @param accepted Paths that the caller declares to have no effect in its scene.
 */
export function unknownFields(
  value: unknown,
  known: Known,
  accepted: ReadonlySet<string>,
  path = "",
): string[] {
  if (known === ACTED_ON || known === NO_EFFECT || accepted.has(path)) return [];
  if (isList(known)) {
    const items = Array.isArray(value) ? value : [];
    return [
      ...new Set(items.flatMap((item) => unknownFields(item, known[0], accepted, `${path}[]`))),
    ];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const next = known[name];
    if (accepted.has(at)) return [];
    return next === undefined ? [at] : unknownFields(field, next, accepted, at);
  });
}

function isList(known: Known): known is readonly [Known] {
  return Array.isArray(known);
}
