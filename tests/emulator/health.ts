/** The health of a target over time, and the checks that it comes from. */
import { request } from "node:http";
import { connect } from "node:net";
import type { GroupSettings } from "./settings.ts";
import { pause } from "./pause.ts";
import { CHECK_DISABLED, CHECKING, HEALTHY, REGISTERING, UNHEALTHY } from "./states.ts";
import type { Target, TargetState } from "./states.ts";

/** The states of a newly registered target, each when it begins, until the signal ends them. */
export async function* life(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
): AsyncGenerator<TargetState> {
  if (!await pause(group.registering / group.timeScale, signal)) return;
  if (group.health.check === "none") return yield CHECK_DISABLED;
  yield CHECKING;
  if (group.health.check === "assumed") {
    if (!await pause(group.health.after / group.timeScale, signal)) return;
    yield group.health.healthy ? HEALTHY : UNHEALTHY;
    return;
  }
  yield* checked(target, group, signal);
}

/** The state at the moment of registration. */
export const FIRST_STATE = REGISTERING;

async function* checked(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
): AsyncGenerator<TargetState> {
  let shown: boolean | undefined;
  let last: boolean | undefined;
  let inARow = 0;
  const interval = group.healthCheckIntervalSeconds * 1000 / group.timeScale;
  while (!signal.aborted) {
    const good = await check(target, group, signal);
    if (signal.aborted) return;
    inARow = good === last ? inARow + 1 : 1;
    last = good;
    const enough = good ? group.healthyThresholdCount : group.unhealthyThresholdCount;
    if (inARow >= enough && shown !== good) {
      shown = good;
      yield good ? HEALTHY : UNHEALTHY;
    }
    await pause(interval, signal);
  }
}

async function check(
  target: Target,
  group: GroupSettings,
  signal: AbortSignal,
): Promise<boolean> {
  const port = group.healthCheckPort ?? target.port;
  const limit: Limit = {
    time: group.healthCheckTimeoutSeconds * 1000 / group.timeScale,
    signal,
  };
  return group.health.check === "http"
    ? await answersHttp(target.id, port, group.health.path, limit)
    : await accepts(target.id, port, limit);
}

/** What a check ends at, as failed. */
interface Limit {
  readonly time: number;
  readonly signal: AbortSignal;
}

function accepts(host: string, port: number, limit: Limit): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return within(limit, promise, () => socket.destroy());
}

function answersHttp(
  host: string,
  port: number,
  path: string,
  limit: Limit,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const req = request({ host, port, path, agent: false, headers: { connection: "close" } });
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
  const tooLate = pause(time, AbortSignal.any([signal, finished.signal])).then(() => false);
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    finished.abort();
    close();
  }
}
