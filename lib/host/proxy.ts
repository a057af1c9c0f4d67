/** Which requests may go by a proxy of the environment. */

/**
 * Never by a proxy: the pod itself, and the link-local addresses at which a node gives out
 * credentials (169.254.170.2 and 169.254.169.254, EKS Pod Identity's 169.254.170.23 and
 * fd00:ec2::23). A token or a key would pass the proxy in clear, and its reply be believed.
 */
const DIRECT = ["localhost", "127.0.0.0/8", "::1", "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];

/**
 * `NO_PROXY` with the addresses added that every request reaches directly. The runtime reads it
 * once, before the first request.
 * @returns Undefined where no proxy is set.
 */
export function noProxy(env: Readonly<Record<string, string>>): string | undefined {
  if (!Object.keys(env).some((name) => /^(https?|all)_proxy$/i.test(name))) return undefined;
  const given = [env["NO_PROXY"], env["no_proxy"]];
  return [...given, ...DIRECT].filter((entry) => entry !== undefined && entry !== "").join(",");
}
