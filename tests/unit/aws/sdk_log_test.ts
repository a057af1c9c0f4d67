import { assertEquals } from "@std/assert";
import { SdkLogger } from "../../../lib/aws/sdk_log.ts";
import { KeptLog } from "../kept_log.ts";

Deno.test("the SDK's warnings become lines of the log, and nothing else it says does", () => {
  const log = new KeptLog();
  const sdk = new SdkLogger(log);
  sdk.warn("one\n  two", new Error("three\nfour"), 5);
  sdk.warn("Authorization: SECRET");
  sdk.trace("SECRET");
  sdk.info({ input: "SECRET" });
  sdk.error({ output: "SECRET" });
  sdk.debug("SECRET");
  assertEquals(log.lines, [
    "warn AWS SDK: one two three four 5 {}",
    "warn AWS SDK: Authorization=… {}",
  ]);
});

Deno.test("the source asked last is known, with what went wrong at it", () => {
  const sdk = new SdkLogger(new KeptLog());
  assertEquals(sdk.lastSource, undefined);
  sdk.debug("@smithy/property-provider -> Unable to find environment variable credentials.");
  assertEquals(sdk.lastSource, undefined);
  sdk.debug("@aws-sdk/credential-provider-web-identity - fromWebToken");
  assertEquals(sdk.lastSource, "STS");
  sdk.debug("@aws-sdk/credential-provider-http - fromHttp");
  sdk.debug("@smithy/property-provider -> Error: connect ECONNREFUSED 169.254.170.23:80");
  assertEquals(
    sdk.lastSource,
    "the EKS Pod Identity agent (connect ECONNREFUSED 169.254.170.23:80)",
  );
  sdk.debug("@aws-sdk/credential-provider-node - remoteProvider::fromInstanceMetadata");
  assertEquals(sdk.lastSource, "the node's metadata service");
});
