/** The health of a target over time, and the checks that it comes from. */
import { request } from "node:http";
import { connect } from "node:net";
import { pause } from "./pause.ts";
import type { GroupSettings } from "./settings.ts";
import {
  CHECK_DISABLED,
  CHECKING,
  HEALTHY,
  type Target,
  type TargetState,
  UNHEALTHY,
} from "./states.ts";

/** The options of a connection. */
export interface Route {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** The address of the load balancer's node, from which targets on loopback are reached. */
const NODE = "127.200.0.1";

/** To a target; those that are not on loopback cannot be reached from the node's address. */
export function routeTo({ id, port }: Target): Route {
  return id.startsWith("127.") ? { host: id, port, localAddress: NODE } : { host: id, port };
}

/** Shows the states of a newly registered target, each when it begins, until the signal ends. */
export async function live(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
  show: (state: TargetState) => void,
): Promise<void> {
  if (!await pause(group.registering / group.timeScale, signal)) return;
  if (group.health.check === "none") return show(CHECK_DISABLED);
  show(CHECKING);
  if (group.health.check !== "assumed") return await probe(target, group, signal, show);
  if (!await pause(group.health.after / group.timeScale, signal)) return;
  show(group.health.healthy ? HEALTHY : UNHEALTHY);
}

/**
 * Checks the target until the signal ends, and shows what it finds whenever that changes. Of a
 * group whose health is not checked, it shows nothing.
 */
export async function probe(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
  show: (state: TargetState) => void,
): Promise<void> {
  const { health } = group;
  if (health.check === "assumed" || health.check === "none") return;
  const path = health.check === "http" ? health.path : undefined;
  const route = routeTo({ id: target.id, port: group.healthCheckPort ?? target.port });
  let shown: boolean | undefined;
  let last: boolean | undefined;
  let inARow = 0;
  while (!signal.aborted) {
    const good = await check(route, path, group, signal);
    if (signal.aborted) return;
    inARow = good === last ? inARow + 1 : 1;
    last = good;
    const threshold = good ? group.healthyThresholdCount : group.unhealthyThresholdCount;
    if (inARow >= threshold && good !== shown) {
      shown = good;
      show(good ? HEALTHY : UNHEALTHY);
    }
    await pause(group.healthCheckIntervalSeconds * 1000 / group.timeScale, signal);
  }
}

/** In how many parts a limit is counted. */
const PARTS = 10;

/** One check: by HTTP where there is a path, else by TCP. The socket is closed at the end. */
async function check(
  route: Route,
  path: string | undefined,
  { healthCheckTimeoutSeconds, timeScale, checkPatience }: GroupSettings,
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const close = path === undefined ? accepts(route, resolve) : answers(route, path, resolve);
  const time = Math.max(healthCheckTimeoutSeconds * 1000 / timeScale, checkPatience);
  const finished = new AbortController();
  const limit = over(time, AbortSignal.any([signal, finished.signal])).then(() => false);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    finished.abort();
    close();
  }
}

function accepts(route: Route, resolve: (good: boolean) => void): () => void {
  const socket = connect({ ...route });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return () => socket.destroy();
}

/** The request bears the node's address as its `Host`, as a load balancer's does. */
function answers(route: Route, path: string, resolve: (good: boolean) => void): () => void {
  const headers = { connection: "close", host: route.localAddress ?? route.host };
  const req = request({ ...route, path, agent: false, headers });
  req.once("response", ({ statusCode = 0 }) => resolve(statusCode >= 200 && statusCode <= 399));
  req.on("error", () => resolve(false));
  req.end();
  return () => req.destroy();
}

/**
 * Waits part by part: where this process was not running, however long, a part is all that
 * passes. Else a busy machine would find targets unhealthy that had answered in time.
 */
async function over(time: number, signal: AbortSignal): Promise<void> {
  for (let part = 0; part < PARTS && await pause(time / PARTS, signal);) part++;
}
