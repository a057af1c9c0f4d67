/** A container's environment: its own variables, and the Downward API's view of the pod. */
import { expand } from "./expansion.ts";
import { ManifestError } from "./manifest_error.ts";
import type { ContainerSpec, Variable } from "./spec.ts";

/** What is known of a pod when its containers are made; it stays as it is then. */
export interface Identity {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: string;
  readonly hostIP: string;
  readonly serviceAccountName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** By field path, the value. */
const FIELDS: Readonly<Record<string, (pod: Identity) => string>> = {
  "metadata.name": ({ name }) => name,
  "metadata.namespace": ({ namespace }) => namespace,
  "metadata.uid": ({ uid }) => uid,
  "spec.nodeName": ({ node }) => node,
  "spec.serviceAccountName": ({ serviceAccountName }) => serviceAccountName,
  "status.hostIP": ({ hostIP }) => hostIP,
  "status.hostIPs": ({ hostIP }) => hostIP,
  "status.podIP": ({ ip }) => ip,
  "status.podIPs": ({ ip }) => ip,
};

/** `metadata.labels['app']`. */
const KEYED = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

/**
 * A field of the pod.
 * @throws {ManifestError} The Downward API has no such field, or it is not implemented here.
 */
export function fieldOf(pod: Identity, path: string): string {
  const [, map, key = ""] = KEYED.exec(path) ?? [];
  if (map === "labels") return pod.labels[key] ?? "";
  if (map === "annotations") return pod.annotations[key] ?? "";
  const read = FIELDS[path];
  if (!read) throw new ManifestError(`fieldPath ${path} is not implemented by the test cluster`);
  return read(pod);
}

/**
 * A container's variables, in their order; in a value, `$(VAR)` stands for one before it.
 * @param base What the program is given besides, as by its image.
 */
export function environmentOf(
  env: readonly Variable[],
  pod: Identity,
  base: Readonly<Record<string, string>>,
): Map<string, string> {
  const own = new Map<string, string>();
  for (const variable of env) {
    const value = "field" in variable ? fieldOf(pod, variable.field) : expand(variable.value, own);
    own.set(variable.name, value);
  }
  return new Map([...Object.entries(base), ...own]);
}

/**
 * The variables that are known without the pod, which is all that an exec probe's command may use.
 * Source: kubernetes/kubernetes, pkg/kubelet/prober/prober.go.
 */
export function staticVariables({ env }: ContainerSpec): Map<string, string> {
  return new Map(env.flatMap((one) => "value" in one ? [[one.name, one.value]] : []));
}

/** The variables of a container that its own arguments may use: not those of the image. */
export function argumentVariables(env: readonly Variable[], pod: Identity): Map<string, string> {
  return environmentOf(env, pod, {});
}
