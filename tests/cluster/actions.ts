/** Does what hooks and probes say, from the node's address. */
import type { Identity } from "./env.ts";
import { httpGet } from "./http_get.ts";
import type { Processes } from "./processes.ts";
import type { Action } from "./spec.ts";
import { tcpConnect } from "./tcp_connect.ts";
import type { Time } from "./time.ts";

/** How an action went. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The version that the kubelet calls itself by. */
const VERSION = "1.34";

/** What an action is done to. */
export interface Subject {
  readonly pod: Identity;
  readonly processes: Processes;
  readonly time: Time;
  /** Ends when the container has ended. */
  readonly life: AbortSignal;
}

/** Does a probe's action. A reply from 200 to 399 is a success. */
export function probe(action: Action, subject: Subject, signal: AbortSignal): Promise<Outcome> {
  return attempt(async () => {
    if (action.kind !== "httpGet") return await act(action, subject, signal);
    const status = await get(action, subject.pod, { as: "kube-probe", signal });
    return status >= 200 && status < 400
      ? { ok: true }
      : { ok: false, reason: `HTTP probe failed with statuscode: ${status}` };
  });
}

/** Does a hook's action. Any reply at all is a success. */
export function hook(action: Action, subject: Subject, signal: AbortSignal): Promise<Outcome> {
  return attempt(async () => {
    if (action.kind !== "httpGet") return await act(action, subject, signal);
    await get(action, subject.pod, { as: "kube-lifecycle", signal });
    return { ok: true };
  });
}

function get(
  { port, path, headers }: Action & { kind: "httpGet" },
  { ip, hostIP }: Identity,
  { as, signal }: { readonly as: string; readonly signal: AbortSignal },
): Promise<number> {
  const userAgent = `${as}/${VERSION}`;
  return httpGet({ host: ip, from: hostIP, port, path, headers, userAgent }, signal);
}

async function act(
  action: Exclude<Action, { kind: "httpGet" }>,
  { pod, processes, time, life }: Subject,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (action.kind) {
    case "exec": {
      const code = await processes.run(action.command, signal);
      if (code === 0) return { ok: true };
      const how = code === undefined ? "the container has ended" : `exit code ${code}`;
      return { ok: false, reason: `command ${JSON.stringify(action.command)}: ${how}` };
    }
    case "tcpSocket":
      await tcpConnect({ host: pod.ip, port: action.port, from: pod.hostIP }, signal);
      return { ok: true };
    case "sleep": {
      const isOver = await time.pause(action.seconds, AbortSignal.any([signal, life]));
      signal.throwIfAborted();
      return isOver
        ? { ok: true }
        : { ok: false, reason: "container terminated before sleep hook finished" };
    }
  }
}

async function attempt(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
