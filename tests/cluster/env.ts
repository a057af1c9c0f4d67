/** A container's variables, and what stands for them in its arguments. */
import { ManifestError } from "./fields.ts";
import type { Variable } from "./spec.ts";

/** What is known of a pod when its containers are made; it stays as it is then. */
export interface Identity {
  readonly name: string;
  readonly ip: string;
  readonly node: string;
  readonly hostIP: string;
  /** Where the kubelet's requests come from: the node's address, or that of a bridge. */
  readonly kubelet: string;
  readonly hostNetwork: boolean;
}

const FIELDS: Readonly<Record<string, (pod: Identity) => string>> = {
  "metadata.name": ({ name }) => name,
  "spec.nodeName": ({ node }) => node,
  "status.hostIP": ({ hostIP }) => hostIP,
  "status.podIP": ({ ip }) => ip,
};

/**
 * The variables in their order; in a value, `$(VAR)` stands for one before it.
 * @throws {ManifestError} A field of the pod that is not implemented here.
 */
export function variablesOf(env: readonly Variable[], pod: Identity): Map<string, string> {
  const own = new Map<string, string>();
  for (const variable of env) {
    if ("value" in variable) {
      own.set(variable.name, expand(variable.value, own));
      continue;
    }
    const read = FIELDS[variable.field];
    if (!read) throw new ManifestError(`fieldPath ${variable.field} is not implemented`);
    own.set(variable.name, read(pod));
  }
  return own;
}

/** Replaces `$(NAME)` by the variable's value; a name that is not known stays as it stands. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\(([^)]*)\)/g, (whole, name) => variables.get(name) ?? whole);
}
