/** Whose credentials the SDK finds, and where: for people, so it is loaded only for `-check`. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { ClientOptions } from "../sdk_client.ts";
import { ReplyCheckingHandler } from "../handler.ts";
import { readable } from "../redact.ts";
import { credentialChain, namesTheSidecar } from "./chain.ts";

/** Who makes the calls. */
export interface Identity {
  /** Where the credentials come from, such as `web identity (IRSA)`. */
  readonly source: string;
  /** The region that the SDK finds, where none is given. */
  readonly region: string;
  /** The caller's ARN, as STS reports it; or why it does not, as the end of a message. */
  readonly caller: { readonly arn: string } | { readonly unknown: string };
}

/** What the SDK's own marks mean; it puts one on the credentials that it finds. */
const SOURCES: Readonly<Record<string, string>> = {
  CREDENTIALS_ENV_VARS: "environment variables",
  CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: "web identity (IRSA)",
  CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN: "web identity (IRSA)",
  CREDENTIALS_HTTP: "container credentials (EKS Pod Identity)",
  CREDENTIALS_IMDS: "the node's metadata service",
  CREDENTIALS_PROFILE: "a profile of the shared files",
};

/**
 * Finds the credentials as each call does, and their owner with GetCallerIdentity of STS, which no
 * policy can deny.
 * @throws The SDK's error where there are no credentials or there is no region.
 */
export async function identify(options: ClientOptions, signal: AbortSignal): Promise<Identity> {
  const client = new STSClient({
    maxAttempts: 1,
    // Node.js's, which is the default, reads NODE_EXTRA_CA_CERTS by a permission given back by now.
    requestHandler: new ReplyCheckingHandler(),
    ...namesTheSidecar,
    credentialDefaultProvider: credentialChain,
    ...(options.region !== undefined && { region: options.region }),
  });
  try {
    const region = await client.config.region();
    const credentials = await client.config.credentials();
    const marks = Object.keys("$source" in credentials ? credentials.$source ?? {} : {});
    const found = marks.map((mark) => SOURCES[mark]).find((source) => source !== undefined);
    const caller = await client.send(new GetCallerIdentityCommand(), { abortSignal: signal })
      .then(({ Arn }) => ({ arn: Arn ?? "" }), (error) => ({ unknown: readable(String(error)) }));
    return { source: found ?? (marks.join(", ") || "unknown"), region, caller };
  } finally {
    client.destroy();
  }
}
