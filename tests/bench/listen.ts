/** What the HTTP endpoints cost: memory of a sidecar that listens, idle and under probes. */
import { pause } from "../emulator/pause.ts";
import { type Verdict, verdictOn } from "./bar.ts";
import type { MeasuredProcess } from "./process.ts";
import { EMPTY, type Program, programs, sidecarOf } from "./programs.ts";
import { GROUP } from "./scene.ts";
import { onStage, type Stage } from "./stage.ts";
import { quantile } from "./statistics.ts";

/** Each program is started so often. */
const RUNS = 5;
/** `-listen` beside the empty program. */
const LARGEST_RATIO = 1.6;
/** Of each path. */
const PROBES = 10_000;
const PATHS = ["/readyz", "/metrics"];
/** So long after it, a busy time still shows: timers end, and V8 tidies up. */
const AFTERMATH_MS = 20_000;
const LOOK_EVERY_MS = 1_000;
const FLAT_MB = 1;
const PATIENCE_MS = 120_000;

/** Memory with `-listen`, and whether 10,000 probes of each path leave it flat. */
export async function listenVerdicts(): Promise<Verdict[]> {
  const empty = programs({ beside: [] }).find(({ name }) => name === EMPTY);
  if (empty === undefined) throw new Error("Cannot compare: the empty program is missing");
  const floors: number[] = [];
  const idle: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    floors.push(await residentOf(empty));
    idle.push(await residentOf(listening()));
  }
  const ratio = quantile(idle, 0.5) / quantile(floors, 0.5);
  const grown = await onStage(listening(), { patience: PATIENCE_MS }, probe);
  return [
    verdictOn(
      "-listen: resident memory, idle",
      ratio <= LARGEST_RATIO,
      `${quantile(idle, 0.5).toFixed(1)} MB, ${
        ratio.toFixed(2)
      } × empty (bar: ≤ ${LARGEST_RATIO} ×)`,
    ),
    verdictOn(
      `-listen: ${PROBES} probes of ${PATHS.join(" and ")}`,
      grown <= FLAT_MB,
      `${grown.toFixed(2)} MB more after the second half than after the first ` +
        `(bar: ≤ ${FLAT_MB} MB)`,
    ),
  ];
}

function listening(): Program {
  const program = sidecarOf([GROUP]);
  return { ...program, command: [...program.command, "-listen=127.0.0.1:0"] };
}

async function residentOf(program: Program): Promise<number> {
  return await onStage(program, {}, async ({ process }) => (await process.memory()).resident);
}

/** Probes, and gives by how many MB the second half of that made it grow. */
async function probe({ process }: Stage): Promise<number> {
  const [, address] = /listening address=(\S+)/.exec(process.text) ?? [];
  const first = await afterProbes(process, address, PROBES / 2);
  return await afterProbes(process, address, PROBES / 2) - first;
}

async function afterProbes(
  process: MeasuredProcess,
  address: string | undefined,
  count: number,
): Promise<number> {
  for (let done = 0; done < count; done++) {
    for (const path of PATHS) {
      const response = await fetch(`http://${address}${path}`);
      await response.body?.cancel();
    }
  }
  return await mostPrivate(process);
}

/** The most that it takes after a busy time: one look would see what V8 was about just then. */
async function mostPrivate(process: MeasuredProcess): Promise<number> {
  let most = 0;
  for (let time = 0; time < AFTERMATH_MS; time += LOOK_EVERY_MS) {
    most = Math.max(most, (await process.memory()).private);
    await pause(LOOK_EVERY_MS, AbortSignal.timeout(PATIENCE_MS));
  }
  return most;
}
