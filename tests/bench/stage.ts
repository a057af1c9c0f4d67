/** Where every measured program runs: an emulator of its own, and nothing of this machine's. */
import { abortable } from "@std/async/abortable";
import type { Emulator } from "../emulator/emulator.ts";
import { PrivateServer } from "../emulator/private_server.ts";
import { startEmulator } from "../emulator/server.ts";
import { HEALTHY } from "../emulator/states.ts";
import { MeasuredProcess } from "./process.ts";
import { GROUP, type Program, TARGET } from "./programs.ts";

/** A program that waits for its signal with nothing to do, and the API that it calls. */
export interface Stage {
  readonly process: MeasuredProcess;
  readonly emulator: Emulator;
  /** When the API had read the first call of each action. */
  readonly receivedAt: ReadonlyMap<string, number>;
}

/** How it is set up. */
export interface StageOptions {
  /** @default {[GROUP]} */
  readonly groups?: readonly string[];
  /** The API is reached over TLS, with a certificate of a private authority. */
  readonly tls?: boolean;
  /** What is done with it takes no longer than this, in milliseconds. @default {0} */
  readonly time?: number;
}

/** No program takes longer for all else: one that hangs ends the benchmark. */
const PATIENCE_MS = 60_000;
const PORT = 9092;

/**
 * Starts the program, waits until it is ready and sleeps, and does something with it. Program and
 * API are seen from this process, so that the moments of both are of one clock.
 * @throws {Error} It did not get there, or not through it, in time; the message has its log.
 */
export async function onStage<T>(
  program: Program,
  { groups = [GROUP], tls = false, time = 0 }: StageOptions,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const home = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    await using emulator = await startApi(groups);
    const receivedAt = momentsOf(emulator);
    using server = tls ? await PrivateServer.start(home, emulator.url) : undefined;
    await using process = new MeasuredProcess(program.command, {
      ...bareEnvironment(program, home),
      ...emulator.environment,
      ...(server && { AWS_ENDPOINT_URL: server.url, DENO_CERT: server.authority }),
    });
    const acting = (async () => {
      await ready(program, process, emulator);
      return await act({ process, emulator, receivedAt });
    })();
    return await abortable(acting, AbortSignal.timeout(PATIENCE_MS + time)).catch((cause) => {
      const log = process.log.lines.join("\n");
      throw new Error(`${program.name}: ${cause.message}\n${log}`, { cause });
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** What every program needs to run at all. */
export function bareEnvironment({ cache }: Program, home = "/"): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    HOME: home,
    DENO_DIR: cache,
    // Where a compiled program has its compiled code.
    TMPDIR: cache,
    // The check for a newer version, half a second after the start, takes memory.
    DENO_NO_UPDATE_CHECK: "1",
  };
}

/** An emulator in which a target is healthy at once: no pause of a program is measured. */
async function startApi(names: readonly string[]): Promise<Emulator> {
  // The sidecar's pause before its first check of the health goes by the interval.
  const times = { healthCheckIntervalSeconds: 5, healthCheckTimeoutSeconds: 2 };
  const emulator = await startEmulator({
    groups: names.map((name) => ({ name, port: PORT, ...times })),
  });
  emulator.listen(({ kind, ...event }) => {
    if (kind !== "call-applied" || !("call" in event) || event.action !== "RegisterTargets") return;
    for (const name of names) {
      if (emulator.registered(name).length === 0) continue;
      emulator.setHealth(name, { id: TARGET, port: PORT }, HEALTHY);
    }
  });
  return emulator;
}

function momentsOf(emulator: Emulator): ReadonlyMap<string, number> {
  const receivedAt = new Map<string, number>();
  emulator.listen(({ kind, ...event }) => {
    if (kind !== "call-received" || !("action" in event) || receivedAt.has(event.action)) return;
    receivedAt.set(event.action, performance.now());
  });
  return receivedAt;
}

/** A program that is ready may have something to do still; it is measured when it is idle. */
async function ready(
  { ready }: Program,
  process: MeasuredProcess,
  emulator: Emulator,
): Promise<void> {
  if ("says" in ready) {
    await process.log.line(ready.says);
  } else {
    await emulator.seen(({ kind, ...event }) =>
      kind === "call-answered" && "action" in event && event.action === ready.answered
    );
  }
  await process.asleep();
}
