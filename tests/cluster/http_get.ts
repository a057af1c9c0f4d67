/** GET requests as the kubelet sends them: from the node's address, and no credentials. */
import http from "node:http";

/** The kubelet reads no more of a reply than this. Source: pkg/probe/http/http.go. */
const MOST_READ = 10 * 1024;

/** How many redirects are followed. Source: pkg/probe/http/http.go. */
const MOST_REDIRECTS = 10;

/** A GET request. */
export interface Get {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly userAgent: string;
  /** The own address. */
  readonly from: string;
}

/**
 * Sends a request and reads the reply. Redirects to the same host are followed.
 * @returns The status.
 * @throws {Error} There was no reply; or the signal's reason.
 */
export async function httpGet(get: Get, signal: AbortSignal): Promise<number> {
  let path = get.path;
  for (let redirects = 0;; redirects++) {
    const { status, location } = await request({ ...get, path }, signal);
    if (location === undefined || status < 300 || status > 399) return status;
    const here = new URL(path, `http://${get.host}:${get.port}`);
    const there = new URL(location, here);
    if (there.host !== here.host) return status;
    if (redirects === MOST_REDIRECTS) throw new Error(`stopped after ${redirects} redirects`);
    path = there.pathname + there.search;
  }
}

interface Reply {
  readonly status: number;
  readonly location: string | undefined;
}

function request(get: Get, signal: AbortSignal): Promise<Reply> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const own = [["user-agent", get.userAgent], ["accept", "*/*"], ["connection", "close"]] as const;
  const sent = http.request({
    host: get.host,
    port: get.port,
    path: get.path,
    localAddress: get.from,
    agent: false,
    headers: Object.fromEntries(
      [...own, ...get.headers].map(([name, value]) => [name.toLowerCase(), value]),
    ),
  }, (reply) => {
    let read = 0;
    reply.on("data", (part: Uint8Array) => {
      read += part.length;
      if (read > MOST_READ) sent.destroy();
    });
    reply.on("error", () => {});
    reply.on("close", () => {
      resolve({ status: reply.statusCode ?? 0, location: reply.headers.location });
    });
  });
  const onAbort = () => {
    sent.destroy();
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  sent.on("error", reject);
  sent.end();
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
