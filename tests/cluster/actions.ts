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

/** Does a probe's action, over a connection of its own. A reply from 200 to 399 is a success. */
export function probe(
  action: Action,
  run: Run,
  world: World,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  return attempt(async () => {
    if (action.kind !== "httpGet") return await act(action, run, world, signal);
    const status = await get(action, run.pod, { agent: false, as: "kube-probe" }, signal);
    return status >= 200 && status < 400 ? DONE : failed(`HTTP probe failed: ${status}`);
  });
}

/**
 * Does a hook's action. Any reply at all is a success, as the kubelet does not look at its status;
 * without `host` there is no address to call for a pod on the host's network (kubernetes #134285).
 */
export function hook(
  action: Action,
  run: Run,
  world: World,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  return attempt(async () => {
    if (action.kind !== "httpGet") return await act(action, run, world, signal);
    if (run.pod.hostNetwork && action.host === undefined) {
      return failed("failed to find networking container");
    }
    const how = { agent: world.hookConnections, as: "kube-lifecycle" };
    await get(action, run.pod, how, signal);
    return DONE;
  });
}

async function act(
  action: Exclude<Action, { kind: "httpGet" }>,
  { pod, processes, alive }: Run,
  { time }: World,
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
      const isOver = await time.pause(action.seconds, AbortSignal.any([signal, alive]));
      return isOver ? DONE : failed("the sleep was cut short");
    }
  }
}

interface How {
  readonly agent: http.Agent | false;
  readonly as: string;
}

/** A GET request as the kubelet sends it, without credentials; the status of its reply. */
async function get(
  { port, path }: Action & { kind: "httpGet" },
  { ip, kubelet }: Identity,
  { agent, as }: How,
  signal: AbortSignal,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = http.request({
    ...{ host: ip, port, path, localAddress: kubelet, agent, signal },
    headers: { "user-agent": `${as}/1.34`, accept: "*/*" },
  }, (reply) => {
    reply.resume();
    reply.once("end", () => resolve(reply.statusCode ?? 0));
    reply.once("error", reject);
  });
  sent.once("error", reject);
  sent.end();
  return await promise;
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

async function attempt(work: () => Promise<ActionOutcome>): Promise<ActionOutcome> {
  try {
    return await work();
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
