/** Runs of programs from start to exit, as records of moments. */
import type { Call } from "../emulator/events.ts";
import { pause } from "../emulator/pause.ts";
import type { Memory } from "../process/proc.ts";
import { GROUP, type Program } from "./programs.ts";
import { onStage, type Stage } from "./stage.ts";

/** The moments of a run, in milliseconds of `performance.now()`. */
export interface Run {
  readonly startedAt: number;
  /** When the API had read the first call of each action. */
  readonly receivedAt: ReadonlyMap<string, number>;
  /** Right before the signal was sent. */
  readonly signalledAt: number;
  readonly exitedAt: number;
  /** Right before the signal. */
  readonly memory: Memory;
}

/** How a program runs. */
export interface Way {
  /** How long the program is idle before its signal, in milliseconds: caches get cold. */
  readonly idle: number;
  readonly tls?: boolean;
  /** The API has closed its connections before the signal comes. */
  readonly closed?: boolean;
}

/** The runs of one program, one of each round. */
export interface Runs {
  readonly program: Program;
  readonly runs: readonly Run[];
}

/** Two rounds fill each program's cache of compiled code, and warm up the emulator's own code. */
const UNCOUNTED = 2;

/**
 * Runs the programs one after the other: A B C A B C …, so that other work on the
 * machine affects all of them alike.
 */
export async function rounds(
  programs: readonly Program[],
  { runs, ...way }: Way & { readonly runs: number },
): Promise<Runs[]> {
  const all = programs.map((program) => ({ program, runs: [] as Run[] }));
  for (let round = 0; round < runs + UNCOUNTED; round++) {
    for (const { program, runs } of all) {
      const run = await runOnce(program, way);
      if (round >= UNCOUNTED) runs.push(run);
    }
  }
  return all;
}

/** @throws {Error} The run was not as it should be, so its moments mean nothing. */
async function runOnce(program: Program, way: Way): Promise<Run> {
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

/** Waits until the program has noticed it and closed its end. */
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
