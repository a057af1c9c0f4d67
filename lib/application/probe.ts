/** Checks the application once, as the kubelet's probes do. */
import type { ApplicationAddress } from "../config/addresses.ts";
import type { Milliseconds } from "../host/duration.ts";

/** What came of one check. `reason` is the end of a message: "status 503". */
export type Answer =
  | { readonly outcome: "ready" }
  /** Slow, or says that it is not ready; or its name cannot be resolved for a moment. */
  | { readonly outcome: "unready"; readonly reason: string }
  /** Nothing listens there. */
  | { readonly outcome: "refused"; readonly reason: string };

/** How often an address is checked (on loopback no jitter is needed), and how long one may take. */
export const CHECK: { readonly interval: Milliseconds; readonly timeout: Milliseconds } = {
  interval: 1_000,
  // That of the kubelet's probes by default.
  timeout: 1_000,
};

/** Checks one address; ends when the signal does. Never rejects. */
export type Probe = (address: ApplicationAddress, signal: AbortSignal) => Promise<Answer>;

/** In bytes. The kubelet reads no more of a reply either. */
const LONGEST_REPLY = 10 * 1024;

/** Checks by a connection of its own, and leaves no socket open. */
export async function probe(address: ApplicationAddress, signal: AbortSignal): Promise<Answer> {
  if (signal.aborted) return NO_ANSWER;
  try {
    return address.kind === "tcp"
      ? await connect(address.hostname, address.port, signal)
      : await get(address.url, signal);
  } catch (error) {
    if (signal.aborted) return NO_ANSWER;
    const reason = error instanceof Error ? error.message : String(error);
    return { outcome: isRefusal(error) ? "refused" : "unready", reason };
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}

export const NO_ANSWER = { outcome: "unready", reason: "no answer in time" } as const;

async function connect(hostname: string, port: number, signal: AbortSignal): Promise<Answer> {
  const connection = await Deno.connect({ hostname, port, signal });
  connection.close();
  return { outcome: "ready" };
}

/**
 * Not by `fetch`: that goes through the proxy that the environment names, keeps connections, and
 * must believe the certificate, which for an address of the pod hardly ever has its name. The
 * kubelet's probes do not check certificates either. Redirects are not followed.
 */
async function get(url: string, signal: AbortSignal): Promise<Answer> {
  const { request } = url.startsWith("https:")
    ? await import("node:https")
    : await import("node:http");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { agent: false, rejectUnauthorized: false, headers: HEADERS, signal };
  let [status, length] = [0, 0];
  // Once there is a status, a reply that breaks off or never ends makes no difference.
  const end = () => {
    outgoing.destroy();
    if (status > 0) resolve(answerOf(status));
    else reject(new Error(`no status in ${LONGEST_REPLY} bytes`));
  };
  const count = (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > LONGEST_REPLY) end();
  };
  const outgoing = request(url, options, (reply) => {
    status = reply.statusCode ?? 0;
    reply.on("data", count).on("end", end).on("error", end).on("close", end);
    outgoing.removeListener("error", reject).on("error", end);
  });
  // What is around the body counts too; under Deno 2.4 this socket has no data.
  outgoing.on("socket", (socket) => socket.on("data", count)).on("error", reject);
  outgoing.end();
  return await promise;
}

const HEADERS = { accept: "*/*", "user-agent": "k8s-nlb-registrator-sidecar" };

/** Ready is what the kubelet takes for it: 200 to 399. */
function answerOf(status: number): Answer {
  return status >= 200 && status < 400
    ? { outcome: "ready" }
    : { outcome: "unready", reason: `status ${status}` };
}
