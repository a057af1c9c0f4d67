/** What is measured of a run, which program it is compared with, and what is good enough. */
import type { Run, Runs } from "./run.ts";
import { BARE_FETCH, BEFORE, EMPTY, LISTENING, SIDECAR } from "./programs.ts";
import { type Bar, type Measure, type Row, rowOf } from "./report.ts";

/** One measure of a run. */
interface RunMeasure extends Measure {
  /** The program whose figure the others are compared with. */
  readonly floor: string;
  readonly bars?: Readonly<Record<string, Bar>>;
  /** NaN where a run has no such moment. */
  readonly of: (run: Run) => number;
}

/** Nothing is much worse than before: times differ more than memory from run to run. */
const NO_WORSE: Readonly<Record<Measure["unit"], Bar>> = {
  MB: { ratio: 1.02 },
  ms: { ratio: 1.1 },
  calls: { ratio: 1 },
  kB: { ratio: 1 },
};

/** A compiled program brings no cache of compiled code, unless its image does. */
export type Form = "bundle" | "compiled";

export function startToRegister(form: Form): RunMeasure {
  return {
    ...{ measure: "start → RegisterTargets", unit: "ms", floor: BARE_FETCH },
    bars: { [SIDECAR]: { ratio: form === "bundle" ? 1.7 : 1.55 } },
    of: ({ startedAt, receivedAt }) => (receivedAt.get("RegisterTargets") ?? NaN) - startedAt,
  };
}

export const STOP_TO_DEREGISTER: RunMeasure = {
  ...{ measure: "SIGTERM → DeregisterTargets", unit: "ms", floor: BARE_FETCH },
  bars: { [SIDECAR]: { atMost: 2.8 } },
  of: ({ signalledAt, receivedAt }) => (receivedAt.get("DeregisterTargets") ?? NaN) - signalledAt,
};

/** All measures, in the order of a run. */
export function measures(form: Form): readonly RunMeasure[] {
  return [
    startToRegister(form),
    STOP_TO_DEREGISTER,
    {
      ...{ measure: "SIGTERM → exit", unit: "ms", floor: BARE_FETCH },
      of: ({ signalledAt, exitedAt }) => exitedAt - signalledAt,
    },
    {
      ...{ measure: "anonymous memory", unit: "MB", floor: EMPTY },
      bars: { [SIDECAR]: { ratio: 1.3 }, [LISTENING]: { ratio: 1.35 } },
      of: ({ memory }) => memory.anonymous,
    },
    {
      ...{ measure: "resident memory", unit: "MB", floor: EMPTY },
      bars: { [SIDECAR]: { ratio: 1.45 }, [LISTENING]: { ratio: 1.5 } },
      of: ({ memory }) => memory.resident,
    },
    {
      ...{ measure: "resident memory, peak", unit: "MB", floor: EMPTY },
      of: ({ memory }) => memory.peak,
    },
  ];
}

/** The figures of all programs, each beside the floor; and the sidecar's beside those before. */
export function rowsOf(runs: readonly Runs[], of: readonly RunMeasure[]): Row[] {
  return of.flatMap(({ measure, unit, floor, bars = {}, of }) => {
    const samples = new Map(
      runs.map(({ program, runs }) => [program.name, runs.map(of).map(orUndefined)]),
    );
    const rows = [...samples].map(([program, own]) =>
      rowOf({ measure, unit, program, bar: bars[program] }, own, samples.get(floor))
    );
    const compared = [SIDECAR, LISTENING].flatMap((program) => {
      const before = samples.get(program.replace(SIDECAR, BEFORE));
      const own = samples.get(program);
      if (before === undefined || own === undefined) return [];
      const about = { measure, unit, program: `${program} / before`, bar: NO_WORSE[unit] };
      return [rowOf(about, own, before)];
    });
    return [...rows, ...compared];
  });
}

function orUndefined(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
