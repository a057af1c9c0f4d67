/** The applications in `deploy/kustomize/examples`, and values of the chart that mean the same. */

/** An application, to which component and chart add the sidecar. */
export interface Application {
  readonly name: string;
  /** The folder of its kustomization. */
  readonly folder: string;
  /** The file of its own manifests. */
  readonly file: string;
  /** Values of the chart, below `nlb-registrator`. */
  readonly values: Readonly<Record<string, unknown>>;
}

const FLAGS = { "region": "eu-west-1" };

/** A plain web server, an Envoy with a hook of its own, and a StatefulSet of brokers. */
export const APPLICATIONS: readonly Application[] = [
  application("web", "deployment.yaml", {
    flags: {
      ...{ ...FLAGS, "target-group-name": "web", "wait-for": "tcp://localhost:8443" },
      "wait-idle": true,
    },
  }),
  application("envoy", "deployment.yaml", {
    ...{ hook: "replace", stopTime: 30 },
    flags: {
      ...{ ...FLAGS, "target-group-name": "envoy", "wait-for": "http://localhost:8082/ready" },
      ...{ "pre-deregister-url": "http://localhost:9901/healthcheck/fail", "wait-idle": true },
    },
  }),
  application("brokers", "statefulset.yaml", {
    flags: {
      ...{ ...FLAGS, "target-group-name": ["brokers-bootstrap:9092", "$(POD_NAME):9092"] },
      ...{ "wait-for": "tcp://localhost:9092", "watch-interval": "5m" },
    },
  }),
];

function application(name: string, file: string, values: Application["values"]): Application {
  const folder = `deploy/kustomize/examples/${name}`;
  return { name, folder, file: `${folder}/${file}`, values };
}
