/** What the connection to the API costs: TLS, and to open one for DeregisterTargets. */
import { START_TO_REGISTER, STOP_TO_DEREGISTER } from "./measures.ts";
import type { Way } from "./life.ts";
import { BARE_FETCH, EMPTY, type Program, programs, SIDECAR } from "./programs.ts";
import { type Result, resultOf } from "./results.ts";
import { rounds } from "./rounds.ts";

const RUNS = 15;

const WAYS: readonly (readonly [string, Way])[] = [
  ["closed connection", { idle: 0, closed: true }],
  ["TLS", { idle: 0, tls: true }],
  ["TLS, closed connection", { idle: 0, tls: true, closed: true }],
];

/** The sidecar beside the program with bare `fetch`, on each kind of connection. */
export async function connectionResults(): Promise<Result[]> {
  const all = programs({ beside: [] }).filter(({ name }) => name !== EMPTY).map(withoutWait);
  const results: Result[] = [];
  for (const [name, way] of WAYS) {
    const lives = await rounds(all, { runs: RUNS, ...way });
    const measures = way.closed ? [STOP_TO_DEREGISTER] : [START_TO_REGISTER, STOP_TO_DEREGISTER];
    for (const { name: measure, unit, of } of measures) {
      const samples = new Map(lives.map(({ program, lives }) => [program.name, lives.map(of)]));
      const about = { measure: `${measure}, ${name}`, unit, floor: BARE_FETCH };
      results.push(resultOf(about, samples));
    }
  }
  return results;
}

/** Most of a life is a pause before the sidecar asks whether it is in service. */
function withoutWait(program: Program): Program {
  if (program.name !== SIDECAR) return program;
  return { ...program, command: [...program.command, "-wait-in-service=false"] };
}
