/**
 * Who makes a request, for the logs of the API's owners. The SDK's own user agent tells the
 * kernel's release too; asking for that takes a permission that the sidecar gives back.
 */
import { defaultProvider, type DefaultProviderInit } from "@aws-sdk/credential-provider-node";
import { VERSION } from "../../version.ts";

/** The user agent, as the SDK wants it: pairs of name and version. */
export function userAgent(): Promise<[string, string][]> {
  return Promise.resolve([
    ["k8s-nlb-registrator-sidecar", VERSION],
    ["deno", Deno.version.deno],
  ]);
}

/** The SDK's chain of credential sources; STS hears the same user agent. */
export function credentialChain(
  init: DefaultProviderInit,
): ReturnType<typeof defaultProvider> {
  const clientConfig = { ...init.clientConfig, defaultUserAgentProvider: userAgent };
  return defaultProvider({ ...init, clientConfig });
}
