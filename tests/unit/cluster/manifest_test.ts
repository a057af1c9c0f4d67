import { assert, assertEquals, assertThrows } from "@std/assert";
import { readManifest } from "../../cluster/manifest.ts";
import { ManifestError } from "../../cluster/manifest_error.ts";
import { budget, container, deployment, type Json } from "./_cluster.ts";

const MAIN = container("main", "true");

/** A Deployment whose one container has this. */
function having(more: Json): string {
  return deployment({ containers: [container("main", "true", more)] });
}

/** A Deployment whose pod has this. */
function pod(more: Json): string {
  return deployment({ containers: [MAIN], ...more });
}

const REFUSED: readonly [string, string, string][] = [
  ["volumes", pod({ volumes: [{ name: "a", emptyDir: {} }] }), "spec.template.spec.volumes is not"],
  ["a mount", having({ volumeMounts: [] }), "spec.template.spec.containers[].volumeMounts is not"],
  ["the host's network", pod({ hostNetwork: true }), "spec.template.spec.hostNetwork is not"],
  ["a readiness gate", pod({ readinessGates: [] }), "spec.template.spec.readinessGates is not"],
  ["a misspelt field", having({ comand: ["a"] }), "containers[].comand is not"],
  ["shared processes", pod({ shareProcessNamespace: true }), "shareProcessNamespace is not"],
  [
    "a value from a secret",
    having({ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "a", key: "b" } } }] }),
    "env[].valueFrom.secretKeyRef is not",
  ],
  [
    "a gRPC probe",
    having({ readinessProbe: { grpc: { port: 1 } } }),
    "containers[].readinessProbe.grpc is not",
  ],
  [
    "a probe of another host",
    having({ readinessProbe: { httpGet: { port: 1, host: "192.0.2.1" } } }),
    "readinessProbe.httpGet.host is not",
  ],
  [
    "HTTPS",
    having({ readinessProbe: { httpGet: { port: 1, scheme: "HTTPS" } } }),
    "scheme HTTPS is not",
  ],
  ["a paused Deployment", deployment({ containers: [MAIN] }, { spec: { paused: true } }), "paused"],
  [
    "the strategy Recreate",
    deployment({ containers: [MAIN] }, { spec: { strategy: { type: "Recreate" } } }),
    "strategy.type Recreate is not",
  ],
  ["another kind", '{"apiVersion":"v1","kind":"Service","metadata":{"name":"app"}}', "Service app"],
  ["another version", '{"apiVersion":"v2","kind":"ServiceAccount"}', "apiVersion v2"],
];

for (const [what, yaml, message] of REFUSED) {
  Deno.test(`what is not implemented is refused by name: ${what}`, () => {
    assertThrows(() => readManifest(yaml), ManifestError, message);
  });
}

const INVALID: readonly [string, string, string][] = [
  ["a value of another type", pod({ terminationGracePeriodSeconds: "30" }), "is not valid"],
  ["no container", deployment({}), "is not valid"],
  ["another restart policy", pod({ restartPolicy: "Never" }), "restartPolicy Never is not allowed"],
  [
    "a main container with a restart policy",
    having({ restartPolicy: "Always" }),
    "container main: restartPolicy Always",
  ],
  [
    "hooks of an ordinary init container",
    pod({ initContainers: [{ ...container("init", ""), lifecycle: {} }] }),
    "container init: an init container has neither hooks nor probes",
  ],
  ["two containers of one name", pod({ initContainers: [MAIN] }), "the same name"],
  [
    "two handlers",
    having({ lifecycle: { preStop: { sleep: { seconds: 1 }, exec: { command: ["a"] } } } }),
    "container main: preStop: exactly one handler",
  ],
  [
    "a sleep beyond the grace period",
    having({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
    "sleep.seconds must be 0 to 30, the grace period, not 31",
  ],
  [
    "the name of another container's port",
    deployment({
      containers: [
        container("main", "", { readinessProbe: { tcpSocket: { port: "web" } } }),
        container("other", "", { ports: [{ name: "web", containerPort: 1 }] }),
      ],
    }),
    "container main has no port named web",
  ],
  [
    "a liveness probe with a success threshold",
    having({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
    "livenessProbe: successThreshold must be 1",
  ],
  [
    "a readiness probe with a grace period",
    having({ readinessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 2 } }),
    "readinessProbe: terminationGracePeriodSeconds must not",
  ],
  [
    "a selector that does not match",
    deployment({ containers: [MAIN] }, { spec: { selector: { matchLabels: { app: "other" } } } }),
    "spec.selector does not match",
  ],
  [
    "a rollout that cannot move",
    deployment({ containers: [MAIN] }, {
      spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } },
    }),
    "may not both be 0",
  ],
  ["a budget with two limits", budget({ minAvailable: 1, maxUnavailable: 1 }), "give one of"],
];

for (const [what, yaml, message] of INVALID) {
  Deno.test(`what the API refuses is refused: ${what}`, () => {
    assertThrows(() => readManifest(yaml), ManifestError, message);
  });
}

Deno.test("a caller may declare that a field has no effect in its scene", () => {
  const yaml = deployment({
    containers: [container("main", "", { volumeMounts: [{ name: "a", mountPath: "/a" }] })],
    volumes: [{ name: "a", emptyDir: {} }],
  });
  const path = "spec.template.spec";
  const { deployments } = readManifest(yaml, [
    `${path}.volumes`,
    `${path}.containers[].volumeMounts`,
  ]);
  assertEquals(deployments.map(({ name }) => name), ["app"]);
});

Deno.test("what is left out has Kubernetes' defaults", () => {
  const { deployments: [read] } = readManifest(having({
    livenessProbe: { httpGet: { port: 80 } },
  }));
  assert(read);
  const { replicas, minReady, progressDeadline, maxSurge, maxUnavailable, template } = read;
  assertEquals([replicas, minReady, progressDeadline], [1, 0, 600]);
  assertEquals([maxSurge, maxUnavailable, template.grace], ["25%", "25%", 30]);
  assertEquals(template.containers[0]?.probes.liveness, {
    kind: "liveness",
    action: { kind: "httpGet", port: 80, path: "/", headers: [] },
    initialDelay: 0,
    period: 10,
    timeout: 1,
    successThreshold: 1,
    failureThreshold: 3,
    grace: undefined,
  });
});

const DEPLOY = new URL("../../../deploy/", import.meta.url);
/** What the cluster does not know: it says so. */
const STATEFUL = "kafka-statefulset.yaml";

function manifest(name: string): string {
  return Deno.readTextFileSync(new URL(name, DEPLOY));
}

Deno.test("every Deployment in deploy/ is read", () => {
  const files = [...Deno.readDirSync(DEPLOY)].map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml") && name !== STATEFUL);
  const read = files.map((name) => readManifest(manifest(name)));
  assertEquals(read.every(({ deployments }) => deployments.length > 0), true);
});

Deno.test("a StatefulSet is refused rather than run as something else", () => {
  assertThrows(() => readManifest(manifest(STATEFUL)), ManifestError, "is not implemented");
});
