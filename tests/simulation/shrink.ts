/** From a schedule that fails to the shortest and most harmless one that fails in the same way. */
import { play, type Verdict } from "./schedule.ts";
import { Tape } from "./tape.ts";

/** So many schedules are played at most to shrink one. */
const MOST_PLAYS = 4_000;

/** Which promise is broken, without the details: `1`, `8` … */
function promiseOf(violation: string): string {
  return violation.split(/[:(]| \d/)[0] ?? violation;
}

/** Whether a schedule breaks the promise that another one breaks first. */
function breaksAs(failing: Verdict): (verdict: Verdict) => boolean {
  const promise = promiseOf(failing.violations[0] ?? "");
  return ({ violations }) => violations.some((one) => promiseOf(one) === promise);
}

/**
 * Shrinks a failing schedule; the result fails still.
 * @param fails What to fail means, given all of a verdict; by default, breaking the same promise.
 */
export async function shrink(failing: Verdict, fails = breaksAs(failing)): Promise<Verdict> {
  let best = [...failing.taken];
  let plays = 0;
  const tryOut = async (decisions: number[]): Promise<boolean> => {
    if (plays++ >= MOST_PLAYS) return false;
    if (!fails(await play(Tape.replay(decisions), true))) return false;
    best = decisions;
    return true;
  };
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; at += size) {
      const isHarmless = best.slice(at, at + size).every((number) => number === 0);
      const without = best.toSpliced(at, size);
      if (await tryOut(without)) {
        at -= size;
        continue;
      }
      if (isHarmless) continue;
      await tryOut(best.map((number, index) => index >= at && index < at + size ? 0 : number));
    }
  }
  return await play(Tape.replay(best), true);
}
