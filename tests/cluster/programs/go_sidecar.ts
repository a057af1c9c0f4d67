/**
 * Stands in for the original program, Kinvey/k8s-nlb-registrator-sidecar in Go, as far as a
 * rollout feels it: it finds its group, registers, and blocks until SIGTERM; then it deregisters at
 * once, waits for nothing, and exits 0, whatever the API said. It has no endpoints, so a rollout
 * cannot tell when its target is in service, or drained.
 *
 *     go_sidecar.ts -target-group-name=NAME -target-id=IP [-scale=N]
 *
 * Each call is tried four times with pauses of 1, 2 and 4 s, as the original does; `-scale`, which
 * the original does not have, divides them.
 */

const flags = new Map(Deno.args.map((arg) => {
  const [name = "", value = ""] = arg.replace(/^--?/, "").split(/=(.*)/s);
  return [name, value];
}));
const scale = Number(flags.get("scale") ?? "1");

const stopped = new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", resolve));
const name = { "Names.member.1": flags.get("target-group-name") ?? "" };
const reply = await tried("DescribeTargetGroups", name) ?? Deno.exit(1);
const [, arn = ""] = /<TargetGroupArn>([^<]+)</.exec(reply) ?? [];
const target = { "TargetGroupArn": arn, "Targets.member.1.Id": flags.get("target-id") ?? "" };
await tried("RegisterTargets", target);
await tried("DescribeTargetHealth", target);
await stopped;
await tried("DeregisterTargets", target);
Deno.exit(0);

async function tried(
  action: string,
  parameters: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  for (const pause of [1, 2, 4, 0]) {
    try {
      const response = await call(action, parameters);
      const text = await response.text();
      if (response.ok) return text;
      console.error(`${action}: ${text}`);
    } catch (error) {
      console.error(`${action}: ${error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause * 1_000 / scale));
  }
  return undefined;
}

function call(action: string, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const { AWS_ENDPOINT_URL = "", AWS_ACCESS_KEY_ID: key, AWS_REGION: region } = Deno.env.toObject();
  const scope = `${key}/${date.slice(0, 8)}/${region}/elasticloadbalancing/aws4_request`;
  return fetch(AWS_ENDPOINT_URL, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-amz-date": date,
      // The emulator checks its shape and does not compute it.
      "authorization": `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, ` +
        `Signature=${"0".repeat(64)}`,
    },
    body: new URLSearchParams({ Action: action, Version: "2015-12-01", ...parameters }),
  });
}
