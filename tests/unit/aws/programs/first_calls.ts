/**
 * Prints where a request would go with this environment, and as whose; then registers a target at
 * `API_URL`, and prints for how many minutes something waits after that.
 */
import { DeregisterTargetsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { SdkLoadBalancing } from "../../../../lib/aws/client.ts";
import { createSdkClient } from "../../../../lib/aws/sdk_client.ts";
import { systemClock } from "../../../../lib/host/clock.ts";
import { KeptLog } from "../../kept_log.ts";

const { client } = createSdkClient({ region: "us-east-1" }, {
  handle: ({ hostname, headers }) => {
    console.log(`${hostname} ${headers["user-agent"]}`);
    return Promise.reject(new Error("not sent"));
  },
}, new KeptLog());
await client.send(new DeregisterTargetsCommand({ TargetGroupArn: "arn", Targets: [] }))
  .catch(() => {});

const endpointUrl = Deno.env.get("API_URL");
if (endpointUrl !== undefined) {
  const waits: number[] = [];
  const { within } = systemClock;
  Object.assign(systemClock, {
    within: (...args: Parameters<typeof within>) => {
      waits.push(args[0]);
      return within(...args);
    },
  });
  const { signal } = new AbortController();
  const elb = new SdkLoadBalancing({ region: "us-east-1", endpointUrl }, new KeptLog());
  await elb.registerTarget("arn", { id: "10.0.0.1" }, { signal });
  // What it began then waits by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(
    waits.map((wait) => Math.round(wait / 60_000)).filter((minutes) => minutes > 0).join(),
  );
  elb[Symbol.dispose]();
}
Deno.exit(0);
