/**
 * Stands in for the original program, Kinvey/k8s-nlb-registrator-sidecar in Go, as far as a
 * rollout feels it: it finds its group, registers, waits in service, and blocks until SIGTERM; then
 * it deregisters at once, waits for nothing, and exits 0, whatever the API said. It has no
 * endpoints, so nobody can tell when its target is in service, or drained.
 *
 *     go_sidecar.ts -target-group-name=NAME -target-id=IP [-scale=N]
 *
 * `-scale`, which the original does not have, divides its pauses. As of the original: finding,
 * registering and deregistering are tried four times with pauses of 1, 2 and 4 s, each try being
 * three of the SDK; registering and waiting are one thing to try, and the wait asks at once and
 * then every 15 s, 40 times at most; after the last try to find the group it exits 1, after that to
 * register it stays; a second signal exits 1 at once.
 */

const flags = new Map(Deno.args.map((arg) => {
  const [name = "", value = ""] = arg.replace(/^--?/, "").split(/=(.*)/s);
  return [name, value];
}));
const scale = Number(flags.get("scale") ?? "1");
const id = flags.get("target-id") ?? "";
const url = Deno.env.get("AWS_ENDPOINT_URL") ?? "";

const stop = new AbortController();
Deno.addSignalListener("SIGTERM", () => {
  if (stop.signal.aborted) Deno.exit(1);
  stop.abort(new Error("stopped"));
});

const arn = await tried("DescribeTargetGroups", find).catch(() => Deno.exit(1));
await tried("registering", registerAndWait).catch(() => {});
if (!stop.signal.aborted) {
  await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
}
await tried("DeregisterTargets", () => call("DeregisterTargets", target())).catch(() => {});
Deno.exit(0);

async function find(): Promise<string> {
  const name = { "Names.member.1": flags.get("target-group-name") ?? "" };
  const reply = await call("DescribeTargetGroups", name, stop.signal);
  const [, found] = /<TargetGroupArn>([^<]+)</.exec(reply) ?? [];
  if (found === undefined) throw new Error("no such target group");
  return found;
}

async function registerAndWait(): Promise<void> {
  await call("RegisterTargets", target(), stop.signal);
  console.error("registered");
  for (let question = 0; question < 40; question++) {
    const reply = await call("DescribeTargetHealth", target(), stop.signal);
    if (reply.includes("<State>healthy</State>")) return console.error("in service");
    await pause(15);
  }
  throw new Error("not in service");
}

function target(): Record<string, string> {
  return { "TargetGroupArn": arn, "Targets.member.1.Id": id };
}

async function tried<T>(what: string, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await action();
    } catch (error) {
      console.error(`${what}: ${error}`);
      const isOver = stop.signal.aborted && what !== "DeregisterTargets";
      if (attempt === 3 || isOver) throw error;
      await pause(2 ** attempt);
    }
  }
}

/** As the SDK does it: three times. */
async function call(
  action: string,
  parameters: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<string> {
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    const response = await request(action, parameters, signal).catch((error) => `${error}`);
    if (typeof response !== "string") {
      const text = await response.text();
      if (response.ok) return text;
      const isTransient = response.status >= 500 || /Throttling|RequestLimit/.test(text);
      if (attempt === 3 || !isTransient) throw new Error(text);
    } else if (attempt === 3) throw new Error(response);
    await pause(Math.random());
  }
}

function request(
  action: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const key = Deno.env.get("AWS_ACCESS_KEY_ID");
  const region = Deno.env.get("AWS_REGION");
  const scope = `${key}/${date.slice(0, 8)}/${region}/elasticloadbalancing/aws4_request`;
  return fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-amz-date": date,
      // The emulator looks at its shape and does not compute it.
      "authorization": `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, ` +
        `Signature=${"0".repeat(64)}`,
    },
    body: new URLSearchParams({ Action: action, Version: "2015-12-01", ...parameters }),
    ...(signal && { signal }),
  });
}

/** Ends with the signal too; what follows then sees it. */
function pause(seconds: number): Promise<void> {
  const isStopping = stop.signal.aborted;
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1_000 / scale);
    if (!isStopping) stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
