/** Does what hooks and probes say, from the address that the kubelet calls from. */
import http from "node:http";
import net from "node:net";
import type { Identity } from "./env.ts";
import type { Processes } from "./processes.ts";
import type { Action } from "./spec.ts";
import type { World } from "./world.ts";

/** How an action went; the reason is empty where it went well. */
export interface ActionOutcome {
  readonly ok: boolean;
  readonly reason: string;
}

/** One run of a container. */
export interface Run {
  readonly pod: Identity;
  readonly processes: Processes;
  /** Ends when its first process has ended. */
  readonly alive: AbortSignal;
}

const DONE: ActionOutcome = { ok: true, reason: "" };

/** What an action is done for, and to what. */
export interface ActionContext {
  readonly as: "probe" | "hook";
  readonly run: Run;
  readonly world: World;
}

/** Does what a probe or a hook says. */
export async function perform(
  action: Action,
  context: ActionContext,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  try {
    return action.kind === "httpGet"
      ? await get(action, context, signal)
      : await act(action, context, signal);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

async function act(
  action: Exclude<Action, { kind: "httpGet" }>,
  { run: { pod, processes }, world: { time } }: ActionContext,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  switch (action.kind) {
    case "exec": {
      const code = await processes.run(action.command, signal);
      return code === 0 ? DONE : failed(`command ${JSON.stringify(action.command)}: ${code}`);
    }
    case "tcpSocket":
      await connect(pod, action.port, signal);
      return DONE;
    case "sleep": {
      const isOver = await time.pause(action.seconds, signal);
      return isOver ? DONE : failed("the sleep was cut short");
    }
  }
}

/**
 * A GET request as the kubelet sends it, with the manifest's headers alone. Of a probe, a status of 200 to 399 is
 * a success; of a hook, any, and its connection may be used again. A hook without `host` has no
 * address to call where the pod is on the host's network (kubernetes #134285).
 */
async function get(
  { port, path, host, headers }: Action & { kind: "httpGet" },
  { as, run: { pod }, world }: ActionContext,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  const isProbe = as === "probe";
  if (!isProbe && pod.hostNetwork && host === undefined) {
    return failed("failed to find networking container");
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = http.request({
    ...{ host: pod.ip, port, path, localAddress: pod.kubelet, signal },
    agent: isProbe ? false : world.hookConnections,
    headers: {
      "user-agent": `kube-${isProbe ? "probe" : "lifecycle"}/1.34`,
      accept: "*/*",
      ...headers,
    },
  }, (reply) => {
    reply.resume();
    reply.once("end", () => resolve(reply.statusCode ?? 0));
    reply.once("error", reject);
  });
  sent.once("error", reject);
  sent.end();
  const status = await promise;
  const isGood = !isProbe || (status >= 200 && status < 400);
  return isGood ? DONE : failed(`HTTP probe failed: ${status}`);
}

/** Opens a connection and closes it: what a tcpSocket probe does. */
async function connect({ ip, kubelet }: Identity, port: number, signal: AbortSignal) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = net.connect({ host: ip, port, localAddress: kubelet });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("connect", () => resolve());
  socket.once("error", reject);
  await promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  });
}

function failed(reason: string): ActionOutcome {
  return { ok: false, reason };
}
