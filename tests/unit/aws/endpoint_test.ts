import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals } from "@std/assert";
import { endpointOf, type EndpointParameters } from "../../../lib/aws/endpoint.ts";
import { test } from "../../test.ts";

/** At least one of each partition, and regions that nobody has heard of yet. */
const REGIONS = [
  ...["us-east-1", "eu-west-1", "ap-southeast-5", "me-central-9", "nowhere"],
  ...["cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1"],
  ...["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"],
  undefined,
];

const EITHER = [false, true];

/** Where it is, or what is said. */
function answer(find: () => { url: URL }): string {
  try {
    return find().url.href;
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
}

// The client looks for its config files by itself, and nothing waits for that: not sanitized.
test("endpoints are those of the SDK's own client", () => {
  const { endpointProvider } = new ElasticLoadBalancingV2Client({ region: "eu-west-1" }).config;
  const cases: EndpointParameters[] = REGIONS.flatMap((Region) =>
    EITHER.flatMap((UseFIPS) =>
      EITHER.flatMap((UseDualStack) =>
        [undefined, "http://127.0.0.1:4566"].map((Endpoint) => ({
          Region,
          UseFIPS,
          UseDualStack,
          Endpoint,
        }))
      )
    )
  );
  for (const parameters of cases) {
    const { Region, Endpoint, ...flags } = parameters;
    const theirs = answer(() =>
      endpointProvider({
        ...flags,
        ...(Region !== undefined && { Region }),
        ...(Endpoint !== undefined && { Endpoint }),
      })
    );
    assertEquals(answer(() => endpointOf(parameters)), theirs, JSON.stringify(parameters));
  }
}, { sanitize: false });
