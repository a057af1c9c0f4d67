/** `deno task run tests/bench/fleet.ts`: what a whole fleet does to one account's API limits, and they to it. */
import { parseArgs } from "@std/cli/parse-args";
import { LIMITS } from "./fleet/account.ts";
import { chart, type Series } from "./fleet/chart.ts";
import { original, type Program, sdkWaiter, sidecar } from "./fleet/programs.ts";
import { type Outcome, type Scenario, SCENARIOS, simulateFleet } from "./fleet/scenarios.ts";

const USAGE =
  `Usage: deno task run tests/bench/fleet.ts [--pods 50,500,5000] [--svg FOLDER] [--json FILE]

Programs: ours with its defaults; ours with -register-timeout, -wait-in-service-timeout and
-deregister-timeout set for the fleet's size; the original; a script with the SDK's waiter.`;

/** Half as much again as the buckets alone take, in whole minutes: docs/scale.md says the same. */
function minutesFor(pods: number): number {
  return Math.ceil(1.5 * Math.max(0, pods - 20) / LIMITS.change.perSecond / 60);
}

/** The flags for a fleet of this size; never less than the defaults. */
function flagsFor(pods: number): string[] {
  const minutes = minutesFor(pods);
  return [
    `-register-timeout=${Math.max(1, minutes)}m`,
    `-wait-in-service-timeout=${5 + minutes}m`,
    `-deregister-timeout=${Math.max(30, 60 * minutes)}s`,
  ];
}

const FOR_THE_SIZE = "ours, flags for the size";

interface Contender {
  readonly name: string;
  readonly color: string;
  readonly program: Program;
}

function contenders(pods: number): readonly Contender[] {
  return [
    { name: FOR_THE_SIZE, color: "#1a7f37", program: sidecar(flagsFor(pods)) },
    { name: "ours, defaults", color: "#0969da", program: sidecar([]) },
    { name: "original", color: "#cf222e", program: original },
    { name: "SDK's waiter", color: "#9a6700", program: sdkWaiter },
  ];
}

/** The promise: with flags for the size, nobody is lost, and it takes so much longer at most. */
const MOST_ABOVE_BOUND = 1.5;

interface Row extends Outcome {
  readonly scenario: Scenario;
  readonly program: string;
}

async function main(args: readonly string[]): Promise<number> {
  const given = parseArgs([...args], { string: ["pods", "svg", "json"], collect: [] });
  const sizes = String(given["pods"] ?? "50,500,5000").split(",").map(Number);
  const unknown = Object.keys(given).filter((name) => !["_", "pods", "svg", "json"].includes(name));
  if (unknown.length > 0 || sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    console.error(USAGE);
    return 2;
  }
  const rows: Row[] = [];
  for (const pods of sizes) {
    for (const scenario of SCENARIOS) rows.push(...await compare(scenario, pods, given["svg"]));
  }
  if (typeof given["json"] === "string") {
    await Deno.writeTextFile(given["json"], JSON.stringify(rows.map(withoutSeconds), null, 2));
  }
  const bad = rows.filter((row) => row.program === FOR_THE_SIZE && !isKept(row));
  console.log(
    bad.length === 0
      ? `kept: nobody lost, and 99 % within ${MOST_ABOVE_BOUND} times the bound`
      : `NOT kept: ${bad.map(({ scenario, pods }) => `${scenario}, ${pods} pods`).join("; ")}`,
  );
  return bad.length === 0 ? 0 : 1;
}

async function compare(scenario: Scenario, pods: number, folder: unknown): Promise<Row[]> {
  const rows: Row[] = [];
  const series: Series[] = [];
  console.log(`\n${pods} pods, ${scenario}`);
  console.log(COLUMNS.map((name) => name.padStart(name === "program" ? 0 : 12)).join(" "));
  for (const { name, color, program } of contenders(pods)) {
    const outcome = await simulateFleet(scenario, program, pods);
    rows.push({ ...outcome, scenario, program: name });
    series.push({ name, color, seconds: outcome.seconds });
    console.log(line(name, outcome));
  }
  if (typeof folder === "string") {
    const file = `${folder}/fleet-${pods}-${scenario.replaceAll(" ", "-")}.svg`;
    await Deno.writeTextFile(file, chart(`${pods} pods: ${scenario}`, series));
  }
  return rows;
}

const COLUMNS = [
  "program".padEnd(24),
  "never in",
  "left behind",
  "99 % (s)",
  "known (s)",
  "bound (s)",
  "calls",
  "throttled",
  "peak a s",
];

function line(name: string, outcome: Outcome): string {
  const { neverRegistered, leftRegistered, until99, known99, bound, calls, throttled } = outcome;
  const peak = Math.max(0, ...outcome.seconds.map(({ done, throttled }) => done + throttled));
  const cells = [
    String(neverRegistered),
    String(leftRegistered),
    until99?.toFixed(0) ?? "never",
    known99?.toFixed(0) ?? "never",
    bound.toFixed(0),
    String(calls),
    String(throttled),
    String(peak),
  ];
  return [name.padEnd(24), ...cells.map((cell) => cell.padStart(12))].join(" ");
}

function isKept({ neverRegistered, leftRegistered, until99, bound }: Outcome): boolean {
  // Below the burst there is no bound but one call's own time.
  return neverRegistered === 0 && leftRegistered === 0 && until99 !== undefined &&
    until99 <= MOST_ABOVE_BOUND * bound + 10;
}

function withoutSeconds({ seconds: _, ...row }: Row): Omit<Row, "seconds"> {
  return row;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
