/** `$(VAR)` in commands, arguments and values of variables, as Kubernetes replaces it. */

/**
 * Replaces `$(NAME)` by the variable's value. A name that is not known stays as it stands, and
 * `$$` stands for a dollar sign: `$$(NAME)` becomes `$(NAME)`.
 * Source: kubernetes/kubernetes, third_party/forked/golang/expansion/expand.go.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) => {
    if (whole === "$$") return "$";
    return variables.get(name ?? "") ?? whole;
  });
}
