/** What is measured beside whole runs: `-h`, connections, many groups, many probes, many pods. */
import { abortable } from "@std/async/abortable";
import { pause } from "../emulator/pause.ts";
import type { Memory } from "../process/proc.ts";
import { rounds } from "./run.ts";
import { type Form, rowsOf, startToRegister, STOP_TO_DEREGISTER } from "./measures.ts";
import { MeasuredProcess } from "./process.ts";
import { EMPTY, GROUP, LISTENING, type Program, type Programs, SIDECAR } from "./programs.ts";
import { type Row, rowOf, type Samples } from "./report.ts";
import { bareEnvironment, onStage } from "./stage.ts";

/** Nothing here takes longer than this, in milliseconds. */
const PATIENCE_MS = 120_000;

/** `-h`, beside a program that does nothing: interleaved, a first round is not counted. */
export async function helpRows(programs: Programs, runs: number): Promise<Row[]> {
  const samples = new Map<string, number[]>();
  for (let round = 0; round <= runs; round++) {
    for (const program of programs.brief()) {
      await using process = new MeasuredProcess(program.command, bareEnvironment(program));
      const { at, code } = await abortable(process.ended, AbortSignal.timeout(PATIENCE_MS));
      if (code !== 0) throw new Error(`${program.name}: exit code ${code}`);
      const own = samples.get(program.name) ?? [];
      samples.set(program.name, own);
      if (round > 0) own.push(at - process.startedAt);
    }
  }
  return [...samples].map(([program, own]) => {
    const bar = program === SIDECAR ? { ratio: 1.25 } : undefined;
    const about = { measure: "-h: start → exit", unit: "ms", program, bar } as const;
    return rowOf(about, own, samples.get(EMPTY));
  });
}

const CONNECTION_RUNS = 15;

/** What the connection costs: TLS, and to open one for DeregisterTargets. */
export async function connectionRows(programs: Programs, form: Form): Promise<Row[]> {
  // Most of a run is a pause before the sidecar checks whether it is in service.
  const flags = ["-wait-in-service=false"];
  const all = [programs.sidecar({ flags }), ...programs.before({ flags }), programs.bareFetch()];
  const start = { ...startToRegister(form), bars: { [SIDECAR]: { ratio: 1.4 } } };
  const stop = { ...STOP_TO_DEREGISTER, bars: {} };
  const stopAtMost = { ...stop, bars: { [SIDECAR]: { atMost: 4 } } };
  const ways = [
    { name: "closed connection", way: { closed: true }, measures: [stop] },
    { name: "TLS", way: { tls: true }, measures: [start, stop] },
    { name: "TLS, closed connection", way: { tls: true, closed: true }, measures: [stopAtMost] },
  ];
  const rows: Row[] = [];
  for (const { name, way, measures } of ways) {
    const measured = await rounds(all, { runs: CONNECTION_RUNS, idle: 0, ...way });
    rows.push(...rowsOf(
      measured,
      measures.map((one) => ({ ...one, measure: `${one.measure}, ${name}` })),
    ));
  }
  return rows;
}

const MANY = 100;

/** What a target group more costs: 100 groups beside one. */
export async function manyGroupsRows(programs: Programs): Promise<Row[]> {
  const [one, many] = [await runWith(programs, 1), await runWith(programs, MANY)];
  const about = { program: SIDECAR } as const;
  const measure = (what: string) => `${MANY} groups: ${what}`;
  return [
    rowOf(
      { ...about, measure: measure("resident memory"), unit: "MB", bar: { ratio: 1.25 } },
      [many.resident],
      [one.resident],
    ),
    // DescribeTargetGroups takes 20 names.
    rowOf(
      { ...about, measure: measure("calls to resolve"), unit: "calls", bar: { atMost: 5 } },
      [many.calls],
    ),
    rowOf(
      {
        ...{ ...about, measure: measure("SIGTERM → last DeregisterTargets"), unit: "ms" },
        bar: { atMost: 100 },
      },
      [many.deregisteredIn],
    ),
  ];
}

async function runWith(programs: Programs, count: number) {
  const groups = Array.from({ length: count }, (_, index) => `group-${index + 1}`);
  return await onStage(programs.sidecar({ groups }), { groups }, async ({ process, emulator }) => {
    const { resident } = await process.memory();
    let left = count;
    const last = emulator.seen((event) =>
      event.kind === "call-received" && event.action === "DeregisterTargets" && --left === 0
    ).then(() => performance.now());
    const signalledAt = performance.now();
    process.signal("SIGTERM");
    const deregisteredIn = await last - signalledAt;
    const { code } = await process.ended;
    if (code !== 0) throw new Error(`${count} groups: exit code ${code}`);
    const calls = emulator.calls.filter(({ action }) => action === "DescribeTargetGroups").length;
    return { resident, calls, deregisteredIn };
  });
}

/** Of each path. */
const PROBES = 10_000;
const PATHS = ["/readyz", "/metrics"];
/** So long after it, a busy time still shows: timers end, and V8 tidies up. */
const AFTERMATH_S = 20;

/** Memory after 10,000 probes and scrapes, and how much of it the second half of them brought. */
export async function probeRows(programs: Programs, floor: Memory): Promise<Row[]> {
  const program = programs.sidecar({ name: LISTENING, flags: ["-listen=127.0.0.1:0"] });
  const [first, second] = await onStage(program, { time: PATIENCE_MS }, async ({ process }) => {
    const [, address] = /listening address=(\S+)/.exec(process.log.lines.join("\n")) ?? [];
    const half = async () => {
      for (let done = 0; done < PROBES / 2; done++) {
        for (const path of PATHS) await (await fetch(`http://${address}${path}`)).body?.cancel();
      }
      return await mostOf(process);
    };
    return [await half(), await half()];
  });
  const about = { program: LISTENING, unit: "MB" } as const;
  const measure = (what: string) => `after ${PROBES} probes of ${PATHS.join(" and ")}: ${what}`;
  const row = (what: string, bar: Row["bar"], own: number, floor?: number) =>
    rowOf({ ...about, measure: measure(what), bar }, [own], floor === undefined ? [] : [floor]);
  return [
    row("anonymous memory", { ratio: 1.35 }, second.anonymous, floor.anonymous),
    row("resident memory", { ratio: 1.5 }, second.resident, floor.resident),
    row("growth in the 2nd half", { atMost: 1 }, second.anonymous - first.anonymous),
  ];
}

/** The most memory after a busy time: at any one moment V8 may be about to free some. */
async function mostOf(process: MeasuredProcess): Promise<Pick<Memory, "anonymous" | "resident">> {
  let [anonymous, resident] = [0, 0];
  for (let second = 0; second < AFTERMATH_S; second++) {
    const memory = await process.memory();
    anonymous = Math.max(anonymous, memory.anonymous);
    resident = Math.max(resident, memory.resident);
    await pause(1_000, AbortSignal.timeout(PATIENCE_MS));
  }
  return { anonymous, resident };
}

const PODS = 30;

/** What a node pays for 30 pods: the memory of all together, for each, shared pages in parts. */
export async function nodeRows(programs: Programs): Promise<Row[]> {
  const kinds = [programs.sidecar(), ...programs.before(), programs.empty()];
  const samples = new Map<string, Samples>();
  for (const program of kinds) samples.set(program.name, await atOnce(program));
  return [...samples].map(([program, own]) =>
    rowOf(
      { measure: `${PODS} at once: proportional memory of each`, unit: "MB", program },
      own,
      samples.get(EMPTY),
    )
  );
}

async function atOnce(program: Program): Promise<number[]> {
  let [waiting, reading] = [PODS, PODS];
  const all = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  return await Promise.all(
    Array.from(
      { length: PODS },
      () =>
        onStage(program, { groups: [GROUP], time: PATIENCE_MS }, async ({ process }) => {
          if (--waiting === 0) {
            all.resolve();
          }
          await all.promise;
          const { proportional } = await process.memory();
          if (--reading === 0) read.resolve();
          await read.promise;
          return proportional;
        }),
    ),
  );
}

const DIST = new URL("../../dist/", import.meta.url);

/** How large the bundle is: all of it, and what every run loads. */
export function sizeRows(): Row[] {
  const size = (pattern: RegExp) =>
    [...Deno.readDirSync(DIST)].filter(({ name }) => pattern.test(name))
      .reduce((sum, { name }) => sum + Deno.statSync(new URL(name, DIST)).size, 0) / 1_000;
  const row = (program: string, pattern: RegExp) =>
    rowOf({ measure: "size", unit: "kB", program }, [size(pattern)]);
  return [row("bundle", /\.js$/), row("of every run", /^(main|program|pod|client|chunk).*\.js$/)];
}
