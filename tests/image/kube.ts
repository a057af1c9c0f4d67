/** The manifest of `deploy/` as `podman kube play` takes it. */
import { parseAllDocuments, stringify } from "yaml";
import { type Engine, IMAGE } from "./engine.ts";

const MANIFEST = "deploy/ordinary-sidecar.yaml";
const SIDECAR = "nlb-registrator";

interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  ports?: { containerPort: number }[];
  resources?: unknown;
  lifecycle?: unknown;
  readinessProbe?: unknown;
}

interface Manifest {
  readonly kind: string;
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: Container[] } };
  };
}

/** What a pod here needs and a pod on AWS does not. */
export interface PlayOptions {
  readonly target: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The containers' names in the pod are `sidecar-test-NAME`. */
export const POD = "sidecar-test";

/** A pod of the manifest's containers, on the host's network, with the test's image and API. */
export async function podOf(engine: Engine, options: PlayOptions): Promise<string> {
  const { containers } = (await manifest()).spec.template.spec;
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: POD },
    spec: {
      hostNetwork: true,
      containers: containers.map((one) =>
        one.name === SIDECAR ? sidecar(one, options) : application(one, engine)
      ),
    },
  });
}

async function manifest(): Promise<Manifest> {
  const text = await Deno.readTextFile(new URL(`../../${MANIFEST}`, import.meta.url));
  const documents = parseAllDocuments(text).map((document): Manifest => document.toJS());
  const found = documents.find(({ kind }) => kind === "Deployment");
  if (found === undefined) throw new Error(`${MANIFEST} has no Deployment`);
  return found;
}

function sidecar(container: Container, { target, env }: PlayOptions): Container {
  const variables = { ...env, POD_IP: target };
  return {
    ...container,
    image: IMAGE,
    args: [...container.args ?? [], "-min-drain-time=1s"],
    // podman 4 knows no fieldRef of the pod's address.
    env: Object.entries(variables).map(([name, value]) => ({ name, value })),
  };
}

/**
 * A program that listens where the real one does, and ends at SIGTERM. podman knows no preStop, and
 * its probes take a shell.
 */
function application({ name, ports }: Container, engine: Engine): Container {
  const port = ports?.[0]?.containerPort;
  const program = `Deno.addSignalListener("SIGTERM", () => Deno.exit());
    Deno.serve({ port: ${port} }, () => new Response());`;
  return { name, image: engine.denoImage, command: ["/usr/bin/deno", "eval", program] };
}
