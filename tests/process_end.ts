/** Whether processes have ended that are not children of this one. */
import { assert } from "@std/assert";
import { pause } from "./emulator/pause.ts";

/** So long the kernel may be at the end of a process that was killed. */
const PATIENCE = 5_000;

/** Waits until all are gone. @throws {AssertionError} One stays. */
export async function allEnd(pids: readonly (number | string)[]): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE);
  for (const pid of pids) {
    while (isAlive(pid)) assert(await pause(5, patience), `process ${pid} is alive`);
  }
}

/** Whether a process is there; a zombie is not. */
function isAlive(pid: number | string): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.charAt(stat.lastIndexOf(")") + 2) !== "Z";
  } catch {
    return false;
  }
}
