/** The endpoints of the Elastic Load Balancing API. */
import { partition } from "@aws-sdk/core/client";
import type { EndpointV2 } from "@smithy/types";

/** What an endpoint depends on; the names are those of the SDK's endpoint rules. */
export interface EndpointParameters {
  readonly Region?: string | undefined;
  readonly UseFIPS?: boolean | undefined;
  readonly UseDualStack?: boolean | undefined;
  /** The user's own; it wins. */
  readonly Endpoint?: string | undefined;
}

/**
 * The rules of the SDK's own client for this API, which it does not export. A test compares the
 * two for every region.
 * @throws {Error} There is no such endpoint.
 */
export function endpointOf(parameters: EndpointParameters): EndpointV2 {
  return { url: new URL(urlOf(parameters)), properties: {}, headers: {} };
}

function urlOf({ Region, UseFIPS, UseDualStack, Endpoint }: EndpointParameters): string {
  const invalid = "Invalid Configuration: ";
  if (Endpoint !== undefined) {
    if (UseFIPS) throw new Error(`${invalid}FIPS and custom endpoint are not supported`);
    if (UseDualStack) throw new Error(`${invalid}Dualstack and custom endpoint are not supported`);
    return Endpoint;
  }
  if (Region === undefined) throw new Error(`${invalid}Missing Region`);
  const { name, dnsSuffix, dualStackDnsSuffix, ...supports } = partition(Region);
  const lacksFips = UseFIPS && !supports.supportsFIPS;
  const lacksDualStack = UseDualStack && !supports.supportsDualStack;
  if (UseFIPS && UseDualStack && (lacksFips || lacksDualStack)) {
    throw new Error(
      "FIPS and DualStack are enabled, but this partition does not support one or both",
    );
  }
  if (lacksFips) throw new Error("FIPS is enabled but this partition does not support FIPS");
  if (lacksDualStack) {
    throw new Error("DualStack is enabled but this partition does not support DualStack");
  }
  // In AWS GovCloud (US), the usual endpoint complies with FIPS.
  const isUsual = !UseFIPS || (name === "aws-us-gov" && !UseDualStack);
  const suffix = UseDualStack ? dualStackDnsSuffix : dnsSuffix;
  return `https://elasticloadbalancing${isUsual ? "" : "-fips"}.${Region}.${suffix}`;
}
