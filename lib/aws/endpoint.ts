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
  if (Endpoint !== undefined) {
    if (UseFIPS) throw invalid("FIPS and custom endpoint are not supported");
    if (UseDualStack) throw invalid("Dualstack and custom endpoint are not supported");
    return Endpoint;
  }
  if (Region === undefined) throw invalid("Missing Region");
  const { name, dnsSuffix, dualStackDnsSuffix, supportsFIPS, supportsDualStack } = partition(
    Region,
  );
  if (UseFIPS && UseDualStack) {
    if (supportsFIPS && supportsDualStack) return at("-fips", Region, dualStackDnsSuffix);
    throw new Error(
      "FIPS and DualStack are enabled, but this partition does not support one or both",
    );
  }
  if (UseFIPS) {
    if (!supportsFIPS) {
      throw new Error("FIPS is enabled but this partition does not support FIPS");
    }
    // In AWS GovCloud (US), the usual endpoint complies with FIPS.
    return name === "aws-us-gov" ? at("", Region, "amazonaws.com") : at("-fips", Region, dnsSuffix);
  }
  if (UseDualStack) {
    if (supportsDualStack) return at("", Region, dualStackDnsSuffix);
    throw new Error("DualStack is enabled but this partition does not support DualStack");
  }
  return at("", Region, dnsSuffix);
}

function at(kind: "" | "-fips", region: string, suffix: string): string {
  return `https://elasticloadbalancing${kind}.${region}.${suffix}`;
}

function invalid(what: string): Error {
  return new Error(`Invalid Configuration: ${what}`);
}
