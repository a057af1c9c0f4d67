/**
 * The sidecar's calls by `fetch` alone: what can be had on this runtime at the least.
 *
 * What it leaves out is what the sidecar adds: the signature is of the right form but not computed,
 * replies are not parsed as XML, nothing is retried, and nothing is logged on the way.
 */
const [group = "", target = ""] = Deno.args;
const url = environment("AWS_ENDPOINT_URL");
const region = environment("AWS_REGION");
const accessKeyId = environment("AWS_ACCESS_KEY_ID");
const UNSIGNED = "0".repeat(64);

const { promise: stop, resolve } = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", resolve);

const groups = await call("DescribeTargetGroups", { "Names.member.1": group });
const arn = /<TargetGroupArn>([^<]+)</.exec(groups)?.[1] ?? "";
const ofTarget = { TargetGroupArn: arn, "Targets.member.1.Id": target };
await call("RegisterTargets", ofTarget);
const health = await call("DescribeTargetHealth", ofTarget);
if (!health.includes("<State>healthy</State>")) throw new Error(`Not in service: ${health}`);
console.error("serving");
await stop;
await call("DeregisterTargets", ofTarget);
Deno.exit(0);

function environment(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

async function call(action: string, params: Record<string, string>): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/elasticloadbalancing/aws4_request`;
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-amz-date": time,
      "authorization": `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, ` +
        `SignedHeaders=content-type;host;x-amz-date, Signature=${UNSIGNED}`,
    },
    body: new URLSearchParams({ Action: action, Version: "2015-12-01", ...params }).toString(),
  });
  const reply = await response.text();
  if (!response.ok) throw new Error(`${action}: HTTP ${response.status}: ${reply}`);
  return reply;
}
