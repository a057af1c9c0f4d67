/** The health of a target over time, and the checks that it comes from. */
import { request } from "node:http";
import { connect } from "node:net";
import { pause } from "./pause.ts";
import { routeFrom } from "./route.ts";
import type { Route } from "./route.ts";
import type { GroupSettings } from "./settings.ts";
import { CHECK_DISABLED, CHECKING, HEALTHY, REGISTERING, UNHEALTHY } from "./states.ts";
import type { Target, TargetState } from "./states.ts";

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

/** The state at the moment of registration. */
export const FIRST_STATE = REGISTERING;

/**
 * Checks the target from every node until the signal ends, and shows what the nodes agree on
 * whenever that changes. Of a group whose health is not checked, it shows nothing.
 */
export async function probe(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
  show: (state: TargetState) => void,
): Promise<void> {
  const { health, nodes } = group;
  if (health.check === "assumed" || health.check === "none") return;
  const found = nodes.map((): boolean | undefined => undefined);
  let shown: boolean | undefined;
  await Promise.all(
    nodes.map((node, place) =>
      checks(check(target, group, health, node), group, { place, signal }, (good) => {
        found[place] = good;
        if (good === shown || found.some((other) => other !== good)) return;
        shown = good;
        show(good ? HEALTHY : UNHEALTHY);
      })
    ),
  );
}

/** Which of the nodes checks, and until when. */
interface Turn {
  readonly place: number;
  readonly signal: AbortSignal;
}

/** The checks of one node; tells what each that reaches the threshold has found. */
async function checks(
  check: (signal: AbortSignal) => Promise<boolean>,
  group: GroupSettings,
  { place, signal }: Turn,
  tell: (good: boolean) => void,
): Promise<void> {
  const interval = group.healthCheckIntervalSeconds * 1000 / group.timeScale;
  let last: boolean | undefined;
  let inARow = 0;
  // The nodes do not check all at the same moment.
  await pause(interval * place / group.nodes.length, signal);
  while (!signal.aborted) {
    const good = await check(signal);
    if (signal.aborted) return;
    inARow = good === last ? inARow + 1 : 1;
    last = good;
    if (inARow >= (good ? group.healthyThresholdCount : group.unhealthyThresholdCount)) tell(good);
    await pause(interval, signal);
  }
}

type RealCheck = Extract<GroupSettings["health"], { readonly check: "tcp" | "http" }>;

function check(
  target: Target,
  group: GroupSettings,
  health: RealCheck,
  node: string,
): (signal: AbortSignal) => Promise<boolean> {
  const time = group.healthCheckTimeoutSeconds * 1000 / group.timeScale;
  const route = routeFrom(node, { id: target.id, port: group.healthCheckPort ?? target.port });
  return (signal) =>
    health.check === "http"
      ? answersHttp(route, health.path, { time, signal })
      : accepts(route, { time, signal });
}

/** What a check ends at, as failed. */
interface Limit {
  readonly time: number;
  readonly signal: AbortSignal;
}

function accepts(route: Route, limit: Limit): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ ...route });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return within(limit, promise, () => socket.destroy());
}

function answersHttp(route: Route, path: string, limit: Limit): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const req = request({ ...route, path, agent: false, headers: { connection: "close" } });
  req.once("response", (res) => {
    const status = res.statusCode ?? 0;
    resolve(status >= 200 && status <= 399);
  });
  req.on("error", () => resolve(false));
  req.end();
  return within(limit, promise, () => req.destroy());
}

/** The check's result, or false at the limit; the socket is closed either way. */
async function within(
  { time, signal }: Limit,
  result: Promise<boolean>,
  close: () => void,
): Promise<boolean> {
  const finished = new AbortController();
  const tooLate = over(time, AbortSignal.any([signal, finished.signal])).then(() => false);
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    finished.abort();
    close();
  }
}

/** In how many parts a limit is counted. */
const PARTS = 10;

/**
 * Waits part by part: where this process was not running, however long, a part is all that
 * passes. Else a busy machine would find targets unhealthy that had answered in time.
 */
async function over(time: number, signal: AbortSignal): Promise<void> {
  for (let part = 0; part < PARTS && await pause(time / PARTS, signal);) part++;
}
