/**
 * `deno task run tests/bench/idle.ts`: what the sidecar does while there is nothing to do, for ten minutes.
 *
 * Counted, not reckoned from seconds: calls by the emulator, processor time and wake-ups by the
 * kernel. An empty program waits beside it, for the runtime wakes up by itself too. After a start
 * the collector's threads wake each other dozens of times at one moment, so what is held against
 * the bar is at how many moments anything woke up: a timer would be one each time.
 */
import { pause } from "../emulator/pause.ts";
import { BARE_FETCH, type Program, programs } from "./programs.ts";
import { onStage } from "./stage.ts";

const MINUTES = Number(Deno.args[0] ?? 10);
const TIME_MS = MINUTES * 60_000;
/** Of one core. */
const LARGEST_SHARE = 0.001;
/** A moment: so often it is looked whether anything woke up. */
const MOMENT_MS = 5_000;
/** A timer every 30 s would make so many. */
const MOST_MOMENTS = MINUTES * 2;

/** What a program did while it was idle. */
interface Idle {
  readonly name: string;
  readonly calls: number;
  readonly cpuMs: number;
  readonly wakeUps: number;
  /** Moments at which it woke up. */
  readonly moments: number;
}

async function observe(program: Program): Promise<Idle> {
  return await onStage(program, { patience: TIME_MS }, async ({ process, emulator }) => {
    const [before, calls] = [await process.activity(), emulator.calls.length];
    let [after, moments] = [before, 0];
    for (let time = 0; time < TIME_MS; time += MOMENT_MS) {
      const { wakeUps } = after;
      await pause(MOMENT_MS, AbortSignal.timeout(2 * MOMENT_MS));
      after = await process.activity();
      if (after.wakeUps > wakeUps) moments++;
    }
    return {
      name: program.name,
      calls: emulator.calls.length - calls,
      cpuMs: after.cpuMs - before.cpuMs,
      wakeUps: after.wakeUps - before.wakeUps,
      moments,
    };
  });
}

const measured = programs({ beside: [] }).filter(({ name }) => name !== BARE_FETCH);
const [sidecar, empty] = await Promise.all(measured.map(observe));
if (sidecar === undefined || empty === undefined) throw new Error("Cannot compare: one is missing");
for (const { name, calls, cpuMs, wakeUps, moments } of [sidecar, empty]) {
  console.log(
    `${name}: ${calls} calls, ${cpuMs} ms of processor time, ` +
      `${wakeUps} wake-ups at ${moments} moments`,
  );
}
const met = sidecar.calls === 0 && sidecar.cpuMs <= TIME_MS * LARGEST_SHARE &&
  sidecar.moments - empty.moments <= MOST_MOMENTS;
console.log(
  `${MINUTES} minutes (bar: no call, ≤ ${
    TIME_MS * LARGEST_SHARE
  } ms, awake at ≤ ${MOST_MOMENTS} moments ` +
    `more than the empty program): ${met ? "met" : "NOT met"}`,
);
Deno.exit(met ? 0 : 1);
