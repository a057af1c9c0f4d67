/** One life of a program from start to exit, as a record of moments. */
import { abortable } from "@std/async/abortable";
import type { Emulator } from "../emulator/emulator.ts";
import type { Call } from "../emulator/events.ts";
import { pause } from "../emulator/pause.ts";
import { MeasuredProcess, type Memory } from "./process.ts";
import type { Program } from "./programs.ts";
import { PrivateServer } from "../emulator/private_server.ts";
import { environment, GROUP, startScene } from "./scene.ts";

/** The moments of a life, in milliseconds of `performance.now()`. */
export interface Life {
  readonly startedAt: number;
  /** When the API had read the first call of each action. */
  readonly receivedAt: ReadonlyMap<string, number>;
  /** Right before the signal was sent. */
  readonly signalledAt: number;
  readonly exitedAt: number;
  /** Right before the signal. */
  readonly memory: Memory;
}

/** No life takes longer than this beside its idle time: a program that hangs ends the benchmark. */
const PATIENCE_MS = 60_000;

/** How a life is lived. */
export interface Way {
  /** How long the program is idle before its signal, in milliseconds: caches get cold. */
  readonly idle: number;
  /** The API is reached over TLS, with a certificate of a private authority. */
  readonly tls?: boolean;
  /** The API has closed its connections before the signal comes. */
  readonly closed?: boolean;
}

/**
 * Lives one life of the program, against an emulator of its own in this process: the moment of a
 * signal and that of a call's arrival are of one clock.
 * @throws {Error} The life was not as it should be, so that its moments mean nothing.
 */
export async function live(program: Program, way: Way): Promise<Life> {
  const home = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    await using emulator = await startScene();
    using server = way.tls ? await PrivateServer.start(home, emulator.url) : undefined;
    const env = { ...environment(emulator, home), ...trust(server) };
    await using process = new MeasuredProcess(program.command, env);
    const patience = AbortSignal.timeout(PATIENCE_MS + way.idle);
    const life = observe({ program, process, emulator, way }, async () => {
      await pause(way.idle, patience);
      if (way.closed) await closeConnections({ emulator, process }, patience);
    });
    return await abortable(life, patience).catch((cause) => {
      throw new Error(`${program.name}: ${cause.message}\n${process.text}`, { cause });
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function trust(server: PrivateServer | undefined): Record<string, string> {
  if (server === undefined) return {};
  return { AWS_ENDPOINT_URL: server.url, DENO_CERT: server.authority };
}

/** Until the program has taken note of it, and closed its end. */
async function closeConnections(
  { emulator, process }: Pick<Scene, "emulator" | "process">,
  patience: AbortSignal,
): Promise<void> {
  const before = process.openFiles();
  emulator.closeIdleConnections();
  while (process.openFiles() >= before) {
    patience.throwIfAborted();
    await pause(1, patience);
  }
  await process.asleep();
}

interface Scene {
  readonly program: Program;
  readonly process: MeasuredProcess;
  readonly emulator: Emulator;
  readonly way: Way;
}

async function observe(
  { program, process, emulator, way }: Scene,
  idle: () => Promise<unknown>,
): Promise<Life> {
  const receivedAt = new Map<string, number>();
  emulator.listen(({ kind, ...event }) => {
    if (kind !== "call-received" || !("action" in event) || receivedAt.has(event.action)) return;
    receivedAt.set(event.action, performance.now());
  });
  const early = process.ended.then(({ code }) => {
    throw new Error(`it ended with exit code ${code} before its signal`);
  });
  await Promise.race([ready(program, process, emulator).then(idle), early]);
  early.catch(() => {});

  const memory = await process.memory();
  const signalledAt = performance.now();
  process.signal("SIGTERM");
  const { at: exitedAt, code } = await process.ended;
  if (code !== 0) throw new Error(`exit code ${code}`);
  if (program.calls) expectConnection(emulator.calls, way);
  if (emulator.registered(GROUP).length > 0) throw new Error("a target is left registered");
  return { startedAt: process.startedAt, receivedAt, signalledAt, exitedAt, memory };
}

/** A program that is ready may have something to do still; it is measured when it is idle. */
async function ready(
  { ready }: Program,
  process: MeasuredProcess,
  emulator: Emulator,
): Promise<void> {
  if ("says" in ready) {
    await process.says(ready.says);
  } else {
    await emulator.seen(({ kind, ...event }) =>
      kind === "call-answered" && "action" in event && event.action === ready.answered
    );
  }
  await process.asleep();
}

/** @throws {Error} DeregisterTargets did not come by a connection as it was meant to. */
function expectConnection(calls: readonly Call[], { closed = false }: Way): void {
  const last = calls.findIndex(({ action }) => action === "DeregisterTargets");
  const opened = calls.slice(0, last).map(({ connection }) => connection);
  if (last < 0) throw new Error("it never sent DeregisterTargets");
  if (opened.includes(calls[last]?.connection ?? NaN) === closed) {
    throw new Error(`DeregisterTargets came by ${closed ? "an open" : "a new"} connection`);
  }
}
