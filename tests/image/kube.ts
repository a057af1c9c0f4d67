/** The manifest of `deploy/` as `podman kube play` takes it. */
import { parseAllDocuments, stringify } from "yaml";
import { type Engine, IMAGE } from "./engine.ts";

const MANIFEST = new URL("../../deploy/ordinary-sidecar.yaml", import.meta.url);

/** As far as it is read here. */
interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly containerPort: number }[];
}

interface Document {
  readonly kind: string;
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

/** The containers' names in the pod are `sidecar-test-NAME`. */
export const POD = "sidecar-test";

/** A pod of the manifest's containers, on the host's network, with the test's image and API. */
export function podOf(engine: Engine, env: Readonly<Record<string, string>>): string {
  const deployment = parseAllDocuments(Deno.readTextFileSync(MANIFEST))
    .map((document): Document => document.toJS())
    .find(({ kind }) => kind === "Deployment");
  const containers = deployment?.spec.template.spec.containers.map((one) =>
    one.name === "nlb-registrator" ? sidecar(one, env) : application(one, engine)
  );
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: POD },
    spec: { hostNetwork: true, containers },
  });
}

/** podman 4 has no fieldRef of the pod's address. */
function sidecar(container: Container, env: Readonly<Record<string, string>>) {
  return {
    ...container,
    image: IMAGE,
    args: [...container.args ?? [], "-min-drain-time=1s"],
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  };
}

/**
 * A program that listens where the real one does, and ends at SIGTERM. podman has no preStop, and
 * its probes take a shell.
 */
function application({ name, ports }: Container, { denoImage: image }: Engine) {
  const program = `Deno.addSignalListener("SIGTERM", () => Deno.exit());
    Deno.serve({ port: ${ports?.[0]?.containerPort} }, () => new Response());`;
  return { name, image, command: ["/usr/bin/deno", "eval", program] };
}
