/** Many lives of many programs, interleaved. */
import { type Life, live, type Way } from "./life.ts";
import type { Program } from "./programs.ts";

/** The lives of one program, one of each round. */
export interface Lives {
  readonly program: Program;
  readonly lives: readonly Life[];
}

/** How the rounds are run. */
export interface RoundsOptions extends Way {
  /** How many there are. */
  readonly runs: number;
}

/**
 * Lives the programs' lives one after the other: A B C A B C …, so that what else the machine does
 * meets all of them alike. A round before the first is not counted: it fills the caches, and warms
 * up the emulator's own code.
 */
export async function rounds(
  programs: readonly Program[],
  { runs, ...way }: RoundsOptions,
): Promise<Lives[]> {
  const all = programs.map((program) => ({ program, lives: [] as Life[] }));
  for (let round = 0; round <= runs; round++) {
    for (const { program, lives } of all) {
      const life = await live(program, way);
      if (round > 0) lives.push(life);
    }
  }
  return all;
}
