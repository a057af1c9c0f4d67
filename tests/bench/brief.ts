/** How long a program takes that ends by itself. */
import { abortable } from "@std/async/abortable";
import { MeasuredProcess } from "./process.ts";
import { briefPrograms, EMPTY } from "./programs.ts";
import { type Result, resultOf } from "./results.ts";
import { BARE } from "./scene.ts";

/** No program takes longer: one that hangs ends the benchmark. */
const PATIENCE_MS = 60_000;

/** `-h`, beside a program that does nothing; interleaved, a first round is not counted. */
export async function measureHelp(runs: number): Promise<Result> {
  const all = briefPrograms();
  const samples = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round <= runs; round++) {
    for (const { name, command } of all) {
      await using process = new MeasuredProcess(command, BARE);
      const { at, code } = await abortable(process.ended, AbortSignal.timeout(PATIENCE_MS));
      if (code !== 0) throw new Error(`${name}: exit code ${code}:\n${process.text}`);
      if (round > 0) samples.get(name)?.push(at - process.startedAt);
    }
  }
  const about = { measure: "-h: start → exit", unit: "ms", floor: EMPTY, bar: { ratio: 1.3 } };
  return resultOf(about, samples);
}
