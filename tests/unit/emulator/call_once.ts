/**
 * A program of the tests: calls the API once, with the credentials and the region that the SDK's
 * own chains find in the environment, and prints "ok" or the error.
 */
import {
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";

const client = new ElasticLoadBalancingV2Client({ maxAttempts: 1 });
try {
  await client.send(new DescribeTargetGroupsCommand({}));
  console.log("ok");
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
} finally {
  client.destroy();
}
