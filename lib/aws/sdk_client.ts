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
import { fromBase64, fromUtf8, streamCollector, toBase64, toUtf8 } from "@smithy/core/serde";
import type {
  BuildMiddleware,
  Command,
  HttpAuthSchemeParameters,
  HttpHandlerOptions,
  IdentityProviderConfig,
  Logger,
  RequestHandler,
} from "@smithy/types";
import type { Log } from "../host/log.ts";
import { endpointOf } from "./endpoint.ts";
import { SdkLogger } from "./sdk_log.ts";
import type { CredentialsSource } from "./credentials/refresh.ts";
import { credentialChain, USER_AGENT } from "./credentials/chain.ts";

/** Sends the calls. */
export type SdkClient = Client<
  HttpHandlerOptions,
  ServiceInputTypes,
  ServiceOutputTypes,
  SmithyResolvedConfiguration<HttpHandlerOptions>
>;

/** A command that the client sends. */
export type SdkCommand<I extends ServiceInputTypes, O extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  I,
  ServiceOutputTypes,
  O,
  SmithyResolvedConfiguration<HttpHandlerOptions>
>;

/** The SDK finds what is missing: from the environment, a profile, the metadata service. */
export interface ClientOptions {
  readonly region?: string;
  readonly endpointUrl?: string;
}

const SIGNATURE = "aws.auth#sigv4";
const SIGNING_NAME = "elasticloadbalancing";
/** The API's version, as its requests say it. */
const API_VERSION = "2015-12-01";

/** A client, the credentials that its calls are signed with, and the trace of the search for them. */
export interface SignedClient {
  readonly client: SdkClient;
  readonly credentials: CredentialsSource;
  readonly logger: SdkLogger;
}

/** Creates a client; it finds region and credentials at its first call. */
export function createSdkClient(
  options: ClientOptions,
  requestHandler: RequestHandler<HttpRequest, HttpResponse, HttpHandlerOptions>,
  log: Pick<Log, "warn">,
): SignedClient {
  const logger = new SdkLogger(log);
  const config = configOf(options, { requestHandler, logger });
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
  return { client, logger, credentials: () => config.credentials() };
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
function configOf(
  { region, endpointUrl }: ClientOptions,
  ports: Pick<SmithyResolvedConfiguration<HttpHandlerOptions>, "requestHandler"> & {
    logger: Logger;
  },
) {
  const loader = { logger: ports.logger };
  const config = {
    ...ports,
    protocol: new AwsQueryProtocol({
      defaultNamespace: "com.amazonaws.elasticloadbalancingv2",
      xmlNamespace: `http://elasticloadbalancing.amazonaws.com/doc/${API_VERSION}/`,
      version: API_VERSION,
      errorTypeRegistries,
    }),
    ...{ base64Decoder: fromBase64, base64Encoder: toBase64, streamCollector },
    ...{ utf8Decoder: fromUtf8, utf8Encoder: toUtf8 },
    apiVersion: API_VERSION,
    serviceId: "Elastic Load Balancing v2",
    defaultSigningName: SIGNING_NAME,
    disableHostPrefix: false,
    urlParser: parseUrl,
    sha256: Sha256Js,
    credentialDefaultProvider: credentialChain,
    endpointProvider: endpointOf,
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
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
