/**
 * `deno task run tests/bench/idle.ts`: what the sidecar does while there is nothing to do, for ten
 * minutes.
 *
 * The emulator counts calls, the kernel processor time and wake-ups. An empty program waits beside it, for the runtime wakes up by itself too. After a start
 * the collector's threads wake each other dozens of times at one moment, so what is held against
 * the bar is at how many moments anything woke up: a timer would be one each time.
 */
import { bundle, DIST } from "../../tools/bundle.ts";
import { pause } from "../emulator/pause.ts";
import { type Program, Programs } from "./programs.ts";
import { onStage } from "./stage.ts";

const MINUTES = Number(Deno.args[0] ?? 10);
const TIME_MS = MINUTES * 60_000;
/** Of one core: a thousandth. */
const MOST_CPU_MS = TIME_MS / 1_000;
/** A moment: the time between two checks of what woke up. */
const MOMENT_MS = 5_000;
/** A timer every 30 s would make so many. */
const MOST_MOMENTS = MINUTES * 2;

async function observe(program: Program) {
  return await onStage(program, { time: TIME_MS }, async ({ process, emulator }) => {
    const [before, calls] = [await process.activity(), emulator.calls.length];
    let [after, moments] = [before, 0];
    for (let time = 0; time < TIME_MS; time += MOMENT_MS) {
      const { wakeUps } = after;
      await pause(MOMENT_MS, AbortSignal.timeout(2 * MOMENT_MS));
      after = await process.activity();
      if (after.wakeUps > wakeUps) moments++;
    }
    const made = emulator.calls.length - calls;
    const [cpuMs, wakeUps] = [after.cpuMs - before.cpuMs, after.wakeUps - before.wakeUps];
    console.log(
      `${program.name}: ${made} calls, ${cpuMs} ms of processor time, ` +
        `${wakeUps} wake-ups at ${moments} moments`,
    );
    return { calls: made, cpuMs, moments };
  });
}

await bundle(DIST);
const folder = await Deno.makeTempDir({ prefix: "bench-" });
const programs = Programs.bundled(folder);
const [sidecar, empty] = await Promise.all([
  observe(programs.sidecar()),
  observe(programs.empty()),
]);
await Deno.remove(folder, { recursive: true });
const met = sidecar.calls === 0 && sidecar.cpuMs <= MOST_CPU_MS &&
  sidecar.moments - empty.moments <= MOST_MOMENTS;
console.log(
  `${MINUTES} minutes (bar: no call, ≤ ${MOST_CPU_MS} ms, awake at ≤ ${MOST_MOMENTS} moments ` +
    `more than the empty program): ${met ? "met" : "NOT met"}`,
);
Deno.exit(met ? 0 : 1);
