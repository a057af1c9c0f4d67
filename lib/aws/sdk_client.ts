/**
 * The SDK's client, assembled from the parts that five calls need.
 *
 * `ElasticLoadBalancingV2Client` loads much that is never used here: a second HTTP client, the
 * retry layer, features of AWS Lambda; and with them the Node.js half of the runtime, which takes
 * more memory than all the rest of the sidecar.
 */
import {
  DeregisterTargetsCommand,
  type DeregisterTargetsInput,
  errorTypeRegistries,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { getHostHeaderPlugin } from "@aws-sdk/core/client";
import { AwsSdkSigV4Signer, resolveAwsSdkSigV4Config } from "@aws-sdk/core/httpAuthSchemes";
import { AwsQueryProtocol } from "@aws-sdk/core/protocols";
import {
  DefaultIdentityProviderConfig,
  getHttpAuthSchemeEndpointRuleSetPlugin,
  httpSigningMiddleware,
} from "@smithy/core";
import { Sha256Js } from "@smithy/core/checksum";
import { Client, normalizeProvider, type SmithyResolvedConfiguration } from "@smithy/core/client";
import {
  loadConfig,
  NODE_REGION_CONFIG_FILE_OPTIONS,
  NODE_REGION_CONFIG_OPTIONS,
  NODE_USE_DUALSTACK_ENDPOINT_CONFIG_OPTIONS,
  NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS,
  resolveRegionConfig,
} from "@smithy/core/config";
import { resolveEndpointConfig } from "@smithy/core/endpoints";
import { HttpRequest, HttpResponse, parseUrl } from "@smithy/core/protocols";
import { getSchemaSerdePlugin } from "@smithy/core/schema";
import { fromBase64, toBase64 } from "@smithy/core/serde";
import type {
  BuildMiddleware,
  HttpAuthSchemeParameters,
  HttpHandlerOptions,
  IdentityProviderConfig,
  Logger,
} from "@smithy/types";
import { endpointOf } from "./endpoint.ts";
import type { CredentialsSource } from "./credentials/refresh.ts";
import { credentialChain, USER_AGENT } from "./credentials/chain.ts";

/** Sends the calls. */
export type SdkClient = Client<
  HttpHandlerOptions,
  ServiceInputTypes,
  ServiceOutputTypes,
  SmithyResolvedConfiguration<HttpHandlerOptions>
>;

/** The SDK finds what is missing: from the environment, a profile, the metadata service. */
export interface SdkClientOptions {
  readonly requestHandler: SmithyResolvedConfiguration<HttpHandlerOptions>["requestHandler"];
  readonly logger: Logger;
  readonly region?: string;
  readonly endpoint?: string;
}

const SIGNATURE = "aws.auth#sigv4";
const SIGNING_NAME = "elasticloadbalancing";
/** The API's version, as its requests say it. */
const API_VERSION = "2015-12-01";

/** A client, and the credentials that its calls are signed with. */
export interface SignedClient {
  readonly client: SdkClient;
  readonly credentials: CredentialsSource;
}

/** Creates a client; it finds region and credentials at its first call. */
export function createSdkClient(options: SdkClientOptions): SignedClient {
  const config = configOf(options);
  const client: SdkClient = new Client(config);
  client.middlewareStack.use(getSchemaSerdePlugin(config));
  client.middlewareStack.use(getHostHeaderPlugin(config));
  client.middlewareStack.use(getHttpAuthSchemeEndpointRuleSetPlugin(config, {
    httpAuthSchemeParametersProvider: async (): Promise<SigningParameters> => ({
      region: await config.region(),
    }),
    identityProviderConfigProvider: () =>
      Promise.resolve(new DefaultIdentityProviderConfig({ [SIGNATURE]: config.credentials })),
  }));
  // The SDK's plugin would add its retry layer too; the one retry layer is ours (retry.ts).
  client.middlewareStack.add(httpSigningMiddleware(config), {
    step: "finalizeRequest",
    name: "sign",
  });
  client.middlewareStack.add(sayWhoWeAre, { step: "build", name: "sayWhoWeAre" });
  return { client, credentials: () => config.credentials() };
}

const userAgentHeader = USER_AGENT.map(([name, version]) => `${name}/${version}`).join(" ");

/** For the logs of the API's owners. */
const sayWhoWeAre: BuildMiddleware<ServiceInputTypes, ServiceOutputTypes> = (next) => (args) => {
  if (HttpRequest.isInstance(args.request)) args.request.headers["user-agent"] = userAgentHeader;
  return next(args);
};

/** What a signature depends on. */
interface SigningParameters extends HttpAuthSchemeParameters {
  readonly region: string;
}

/** The configuration, assembled in the order of the SDK's own client. */
function configOf({ region, endpoint, ...given }: SdkClientOptions) {
  const { logger } = given;
  const loader = { logger };
  const config = {
    ...given,
    ...codecs(),
    apiVersion: API_VERSION,
    serviceId: "Elastic Load Balancing v2",
    defaultSigningName: SIGNING_NAME,
    disableHostPrefix: false,
    urlParser: parseUrl,
    sha256: Sha256Js,
    credentialDefaultProvider: credentialChain,
    endpointProvider: endpointOf,
    ...(endpoint !== undefined && { endpoint }),
    region: region ?? loadConfig(NODE_REGION_CONFIG_OPTIONS, {
      ...NODE_REGION_CONFIG_FILE_OPTIONS,
      ...loader,
    }),
    useDualstackEndpoint: loadConfig(NODE_USE_DUALSTACK_ENDPOINT_CONFIG_OPTIONS, loader),
    useFipsEndpoint: loadConfig(NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS, loader),
  };
  const placed = resolveEndpointConfig(resolveRegionConfig(config));
  const signed = resolveAwsSdkSigV4Config(placed);
  return Object.assign(signed, {
    httpAuthSchemes: [{
      schemeId: SIGNATURE,
      identityProvider: (all: IdentityProviderConfig) => all.getIdentityProvider(SIGNATURE),
      signer: new AwsSdkSigV4Signer(),
    }],
    httpAuthSchemeProvider: ({ region }: SigningParameters) => [{
      schemeId: SIGNATURE,
      signingProperties: { name: SIGNING_NAME, region },
      propertiesExtractor: (config: object, context: object) => ({
        signingProperties: { config, context },
      }),
    }],
    authSchemePreference: normalizeProvider<string[]>([]),
  });
}

/** How requests and replies are encoded, without the Node.js versions. */
function codecs() {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    protocol: new AwsQueryProtocol({
      defaultNamespace: "com.amazonaws.elasticloadbalancingv2",
      xmlNamespace: `http://elasticloadbalancing.amazonaws.com/doc/${API_VERSION}/`,
      version: API_VERSION,
      errorTypeRegistries,
    }),
    base64Decoder: fromBase64,
    base64Encoder: toBase64,
    utf8Decoder: (text: string) => encoder.encode(text),
    utf8Encoder: (bytes: string | Uint8Array) =>
      typeof bytes === "string" ? bytes : decoder.decode(bytes),
    streamCollector: async (stream: ReadableStream<Uint8Array>) =>
      new Uint8Array(await new Response(stream).arrayBuffer()),
  };
}

const ANSWER = "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>";

/**
 * Goes through a DeregisterTargets call without sending it, so that its code is compiled when it
 * counts: writes and signs the request, and reads a made-up answer. Once is enough: more often, and
 * the engine compiles to machine code, which takes 2 MB. Never throws: the call itself does.
 */
export async function rehearse(client: SdkClient, input: DeregisterTargetsInput): Promise<void> {
  const command = new DeregisterTargetsCommand(input);
  const unsent = () => () =>
    Promise.resolve({
      response: new HttpResponse({ statusCode: 200, body: new TextEncoder().encode(ANSWER) }),
      output: { $metadata: {} },
    });
  command.middlewareStack.add(unsent, { step: "deserialize", priority: "low" });
  await client.send(command).catch(() => {});
}
