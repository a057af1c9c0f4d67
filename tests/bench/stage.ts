/** A program that has started, has nothing to do, and waits for its signal. */
import { abortable } from "@std/async/abortable";
import type { Emulator } from "../emulator/emulator.ts";
import { MeasuredProcess } from "./process.ts";
import type { Program } from "./programs.ts";
import { environment, startScene } from "./scene.ts";

/** The program, and the API that it calls. */
export interface Stage {
  readonly process: MeasuredProcess;
  readonly emulator: Emulator;
}

/** How it is set up. */
export interface StageOptions {
  readonly groups?: readonly string[];
  /** What is done with it takes no longer than this, in milliseconds. */
  readonly patience?: number;
}

const PATIENCE_MS = 60_000;

/**
 * Starts the program against an emulator of its own, waits until it is ready and sleeps, and does
 * something with it.
 * @throws {Error} It did not get there.
 */
export async function onStage<T>(
  { name, command, ready }: Program,
  { groups, patience = PATIENCE_MS }: StageOptions,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  if (!("says" in ready)) throw new Error(`Cannot tell when ${name} is ready`);
  const home = await Deno.makeTempDir({ prefix: "bench-" });
  const signal = AbortSignal.timeout(PATIENCE_MS + patience);
  try {
    await using emulator = await startScene(groups);
    await using process = new MeasuredProcess(command, environment(emulator, home));
    await abortable(process.says(ready.says), signal);
    await abortable(process.asleep(), signal);
    return await abortable(act({ process, emulator }), signal);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
