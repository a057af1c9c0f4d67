/** `deno task run tests/rollout/bench.ts`: all strategies, and what our own has to stand. */
import { EACH, rollOutUnit, type Unit, UNITS } from "./applications.ts";
import { BREAKAGES, CONDITIONS } from "./conditions.ts";
import { drains, holds as isAsItShouldBe, RATES } from "./drains.ts";
import { endings } from "./endings.ts";
import {
  holds,
  type Outcome,
  prove,
  rollOut,
  SHORT,
  type Size,
  verdict,
  WHOLE,
} from "./outcome.ts";
import { sidecar } from "./programs.ts";
import { lossLines } from "./recording.ts";
import { Scene } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { markdown, table } from "./table.ts";

const USAGE = `Usage: deno task run tests/rollout/bench.ts [what]

  strategies         one rollout by each strategy, as a table (the default)
  proof [CONDITION [ROLLOUTS]]
                     rollouts by each of our two manifests (default 10), with 20,000 connections,
                     none of which may fail; CONDITION is one of
                     ${CONDITIONS.map(({ name }) => name).join(", ")} (default plain)
  short              one rollout by each of our manifests
  broken             short, with sidecars that are broken on purpose: each has to be noticed
  applications       one rollout of each application that the Kustomize component and the Helm chart
                     extend, by either; applications-short: of each by one of them
  drains, ${RATES.map((rate) => `drains-${rate}`).join(", ")}
                     single drains in real time, by a load balancer that sends for 140, 180 and 300 s,
                     each in a network of its own: takes root, and eight minutes
  endings            scaling down, draining a node, restarts, crashes and kill -9

The last line is the figure; the exit code is 1 where it is not what it has to be.`;

type Task = (condition: string, rollouts: number) => Promise<boolean>;

const TASKS: Readonly<Record<string, Task>> = {
  strategies,
  proof: (condition, rollouts) => proof(condition, { ...WHOLE, rollouts }),
  short: shortProof,
  broken,
  applications: () => applications(UNITS),
  "applications-short": () => applications(EACH),
  ...Object.fromEntries([...RATES, undefined].map((rate) => [
    rate === undefined ? "drains" : `drains-${rate}`,
    () => allDrains(rate),
  ])),
  endings: allEndings,
};

const [what = "strategies", condition = "plain", count = `${WHOLE.rollouts}`, ...rest] = Deno.args;
const task = TASKS[what];
const isKnown = CONDITIONS.some(({ name }) => name === condition);
if (!task || !isKnown || !/^[1-9]\d{0,2}$/.test(count) || rest.length > 0) {
  console.error(USAGE);
  Deno.exit(2);
}
await using program = await sidecar();
Deno.exitCode = await task(condition, Number(count)) ? 0 : 1;

/** One after the other, so that none is in another's way. */
async function strategies(): Promise<boolean> {
  const outcomes: Outcome[] = [];
  for (const strategy of STRATEGIES) {
    await using scene = await Scene.start({ strategy, sidecar: program.command });
    const outcome = await rollOut(scene, { rollouts: 1 });
    console.log(`${strategy.name}: ${verdict([outcome])}`);
    outcomes.push(outcome);
  }
  const own = outcomes.filter(({ strategy }) => /^(native-)?sidecar/.test(strategy));
  print(outcomes, own);
  console.log(`with our manifests, ${verdict(own)}`);
  return own.every(({ failed }) => failed === 0);
}

async function proof(name: string, size: Size): Promise<boolean> {
  const condition = named(name, CONDITIONS);
  console.log(`${condition.name}: ${condition.what}`);
  const outcomes = await prove(program.command, condition, size);
  print(outcomes, outcomes);
  for (const { strategy, notTried } of outcomes) {
    if (notTried > 0) console.log(`${strategy}: ${notTried} connections could not be tried here`);
  }
  const standstill = Math.max(...outcomes.map((one) => one.standstill));
  console.log(`the load balancer stood still for ${standstill.toFixed(0)} ms at the longest`);
  console.log(verdict(outcomes));
  return holds(outcomes, size);
}

function print(outcomes: readonly Outcome[], losing: readonly Outcome[]): void {
  console.log(`\n${table(outcomes)}\n`);
  const lines = losing.flatMap(({ strategy, losses }) => lossLines(strategy, losses));
  for (const line of lines) console.log(line);
}

/** How often the short proof is tried where the machine stood in its way. */
const TRIES = 3;
/** A load balancer that stands still for so long resets connections for that alone. */
const TOO_LONG_MS = 250;

/** Losses while the load balancer stood still prove nothing. A broken sidecar loses each time. */
async function shortProof(): Promise<boolean> {
  for (let tried = 1;; tried++) {
    const outcomes = await prove(program.command, named("plain", CONDITIONS), SHORT);
    print(outcomes, outcomes);
    console.log(verdict(outcomes));
    if (holds(outcomes, SHORT)) return true;
    const isExcused = outcomes.some(({ standstill }) => standstill >= TOO_LONG_MS);
    if (!isExcused || tried === TRIES) return false;
    console.log("the machine was too busy for that to prove anything: once more");
  }
}

async function applications(units: readonly Unit[]): Promise<boolean> {
  let lost = 0;
  for (const unit of units) {
    const { begun, failed, webhooks, standstill } = await rollOutUnit(unit, program.command);
    const hooked = webhooks > 0 ? `, ${webhooks} webhooks` : "";
    console.log(
      `${unit.application.name} by the ${unit.by}: ${failed} of ${begun} connections failed` +
        `${hooked}; the load balancer stood still for ${standstill.toFixed(0)} ms at the longest`,
    );
    lost += failed;
  }
  console.log(`${lost} connections failed in ${units.length} rollouts`);
  return lost === 0;
}

async function broken(): Promise<boolean> {
  let unnoticed = 0;
  for (const breakage of BREAKAGES) {
    for (const one of await prove(program.command, breakage, SHORT)) {
      console.log(`${breakage.name}: ${one.strategy}: ${verdict([one])}`);
      if (one.failed === 0) unnoticed++;
    }
  }
  console.log(`${unnoticed} of ${BREAKAGES.length * 2} rollouts by broken sidecars lost nothing`);
  return unnoticed === 0;
}

async function allDrains(rate: number | undefined): Promise<boolean> {
  const outcomes = await drains(program, rate);
  const headings = [
    ...["sends for", "connections a second", "failed connections", "of"],
    ...["last connection after", "drained after"],
  ];
  const cells = outcomes.map(({ sends, rate, failed, begun, lastConnection, drained }) => [
    ...[`${sends} s`, `${rate}`, `${failed}`, `${begun}`],
    ...[lastConnection, drained].map((time) => `${time.toFixed(0)} s`),
  ]);
  console.log(`\n${markdown(headings, cells)}\n`);
  const bad = outcomes.filter((outcome) => !isAsItShouldBe(outcome));
  console.log(`${bad.length} of ${outcomes.length} drains lost connections, or took too long`);
  return bad.length === 0;
}

async function allEndings(): Promise<boolean> {
  const rows = await endings(program.command, (line) => console.log(line));
  const headings = ["what happens", "failed connections", "of", "the target", "cleaned up by"];
  const cells = rows.map((row) => [
    ...[row.what, `${row.failed}`, `${row.begun}`, row.target, row.cleanedUpBy],
  ]);
  console.log(`\n${markdown(headings, cells)}\n`);
  const lost = rows.filter(({ mayLose, failed }) => !mayLose && failed > 0);
  console.log(`${lost.length} of ${rows.length} ways to end lost connections that none has to`);
  return lost.length === 0;
}
