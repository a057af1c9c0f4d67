/** Lives of programs from start to exit, as records of moments. */
import type { Call } from "../emulator/events.ts";
import { pause } from "../emulator/pause.ts";
import type { Memory } from "../process/proc.ts";
import { GROUP, type Program } from "./programs.ts";
import { onStage, type Stage } from "./stage.ts";

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

/** How a life is lived. */
export interface Way {
  /** How long the program is idle before its signal, in milliseconds: caches get cold. */
  readonly idle: number;
  readonly tls?: boolean;
  /** The API has closed its connections before the signal comes. */
  readonly closed?: boolean;
}

/** The lives of one program, one of each round. */
export interface Lives {
  readonly program: Program;
  readonly lives: readonly Life[];
}

/** Two rounds fill each program's cache of compiled code, and warm up the emulator's own code. */
const UNCOUNTED = 2;

/**
 * Lives the programs' lives one after the other: A B C A B C …, so that what else the machine does
 * meets all of them alike.
 */
export async function rounds(
  programs: readonly Program[],
  { runs, ...way }: Way & { readonly runs: number },
): Promise<Lives[]> {
  const all = programs.map((program) => ({ program, lives: [] as Life[] }));
  for (let round = 0; round < runs + UNCOUNTED; round++) {
    for (const { program, lives } of all) {
      const life = await live(program, way);
      if (round >= UNCOUNTED) lives.push(life);
    }
  }
  return all;
}

/** @throws {Error} The life was not as it should be, so that its moments mean nothing. */
async function live(program: Program, way: Way): Promise<Life> {
  const options = { tls: way.tls ?? false, time: way.idle };
  return await onStage(program, options, async ({ process, emulator, receivedAt }) => {
    await pause(way.idle, AbortSignal.timeout(2 * way.idle + 1_000));
    if (way.closed) await closeConnections({ process, emulator });
    const memory = await process.memory();
    const signalledAt = performance.now();
    process.signal("SIGTERM");
    const { at: exitedAt, code } = await process.ended;
    if (code !== 0) throw new Error(`exit code ${code}`);
    if (program.calls) expectConnection(emulator.calls, way);
    if (emulator.registered(GROUP).length > 0) throw new Error("a target is left registered");
    return { startedAt: process.startedAt, receivedAt, signalledAt, exitedAt, memory };
  });
}

/** Until the program has taken note of it, and closed its end. */
async function closeConnections(
  { process, emulator }: Pick<Stage, "process" | "emulator">,
): Promise<void> {
  const before = process.openFiles();
  emulator.closeIdleConnections();
  while (process.openFiles() >= before) await pause(1, AbortSignal.timeout(1_000));
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
