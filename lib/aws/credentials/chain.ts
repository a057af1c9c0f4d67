/** The SDK's chain of credential sources, and the user agent of its requests. */
import { defaultProvider, type DefaultProviderInit } from "@aws-sdk/credential-provider-node";
import { VERSION } from "../../version.ts";

/**
 * The user agent of every request to AWS, as the SDK takes it: pairs of name and version. The SDK's
 * own has the kernel's release too, and reading that takes a permission that the sidecar gives up.
 */
export const USER_AGENT: [string, string][] = [
  ["k8s-nlb-registrator-sidecar", VERSION],
  ["Deno", Deno.version.deno],
];

/** The SDK's chain of credential sources; its requests to STS carry the same user agent. */
export function credentialChain(init: DefaultProviderInit): ReturnType<typeof defaultProvider> {
  const clientConfig = { ...init.clientConfig, ...namesTheSidecar };
  // The shared files are read anew each time: keys in them can be rotated.
  return defaultProvider({ ...init, clientConfig, ignoreCache: true });
}

/** Sets the user agent of an SDK client. */
export const namesTheSidecar = { defaultUserAgentProvider: () => Promise.resolve(USER_AGENT) };
