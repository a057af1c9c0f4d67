/** `deno task run tests/rollout/rollout.ts`: one rolling deployment under load, live, and a picture of it. */
import { parseArgs } from "@std/cli/parse-args";
import type { Outcome } from "./outcome.ts";
import { rollOut } from "./outcome.ts";
import { picture } from "./picture.ts";
import { Scene } from "./scene.ts";
import { sidecar } from "./sidecar.ts";
import { STRATEGIES, strategyNamed } from "./strategies.ts";
import type { Strategy } from "./strategies.ts";
import { here } from "./time.ts";
import { View } from "./view.ts";

const USAGE =
  `Usage: deno task run tests/rollout/rollout.ts [--strategy NAME] [--rollouts N] [--svg FILE]

  --strategy NAME  one of these (default native-sidecar):
${STRATEGIES.map(({ name }) => `                     ${name}`).join("\n")}
  --rollouts N     how many, one right after the other (default 1)
  --svg FILE       where the picture goes (default: a new file in the folder for such)

Times are of a real cluster; here they pass 20 times as fast.`;

interface Options {
  readonly strategy: Strategy;
  readonly rollouts: number;
  readonly svg: string;
}

const NAMES = ["strategy", "rollouts", "svg"];

const options = readOptions(Deno.args);
await using program = await sidecar();
console.log(`Starting three pods: ${options.strategy.name}`);
await using scene = await Scene.start({ ...options, sidecar: program.command });
const began = scene.cluster.now();
const outcome = await watched();
await Deno.writeTextFile(
  options.svg,
  picture({
    title: titleOf(outcome),
    ...{ recording: scene.recording, losses: outcome.losses },
    from: began - here(20),
    to: scene.cluster.now(),
  }),
);
console.log(`${titleOf(outcome)}\nThe picture is in ${options.svg}`);
Deno.exitCode = outcome.failed === 0 ? 0 : 1;

async function watched(): Promise<Outcome> {
  using _view = new View(scene);
  return await rollOut(scene, options);
}

function titleOf({ strategy, failed, begun, duration, untilGone }: Outcome): string {
  return `${strategy}: ${failed} of ${begun} connections failed; rolled out in ` +
    `${duration.toFixed(0)} s, the last old pod gone after ${untilGone.toFixed(0)} s`;
}

function readOptions(args: readonly string[]): Options {
  const given = parseArgs([...args], { string: NAMES, collect: NAMES });
  const texts = (name: string) => Array.isArray(given[name]) ? given[name].map(String) : [];
  const unknown = Object.keys(given).filter((name) => ![...NAMES, "_"].includes(name));
  const rollouts = Number(texts("rollouts").at(-1) ?? 1);
  if (unknown.length > 0 || !Number.isInteger(rollouts) || rollouts < 1) refuse(USAGE);
  // `--strategy prestop-sleep 15` is two arguments.
  const name = [texts("strategy").at(-1) ?? "native-sidecar", ...texts("_")].join(" ");
  try {
    return {
      strategy: strategyNamed(name),
      rollouts,
      svg: texts("svg").at(-1) ?? Deno.makeTempFileSync({ prefix: "rollout-", suffix: ".svg" }),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse(error.message);
  }
}

function refuse(why: string): never {
  console.error(why);
  Deno.exit(2);
}
