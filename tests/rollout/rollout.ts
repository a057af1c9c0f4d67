/** `deno task run tests/rollout/rollout.ts`: one rolling deployment under load, live, and a picture of it. */
import { parseArgs } from "@std/cli/parse-args";
import { type Outcome, rollOut } from "./outcome.ts";
import { picture } from "./picture.ts";
import { sidecar } from "./programs.ts";
import { Scene } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { here, real } from "./time.ts";

const USAGE = `Usage: deno task run tests/rollout/rollout.ts [--strategy NAME] [--svg FILE]

  --strategy NAME  one of these (default native-sidecar):
${STRATEGIES.map(({ name }) => `                     ${name}`).join("\n")}
  --svg FILE       where the picture goes (default: a new file in the folder for such)

Times are of a real cluster; here they pass 20 times as fast.`;

const options = readOptions();
await using program = await sidecar();
console.log(`Starting three pods: ${options.strategy.name}`);
await using scene = await Scene.start({ ...options, sidecar: program.command });
const began = scene.cluster.now();
const stop = scene.cluster.listen((event) => {
  const isOfPod = "pod" in event && !("container" in event);
  if (!isOfPod || !["ready", "unready", "terminating", "gone"].includes(event.kind)) return;
  const { failed } = scene.users.count;
  const at = `${real(event.at).toFixed(0).padStart(6)}s`;
  console.log(`${at}  ${event.pod} ${event.kind}; ${failed} connections failed so far`);
});
const outcome = await rollOut(scene, { rollouts: 1 });
stop();
await Deno.writeTextFile(
  options.svg,
  picture({
    title: titleOf(outcome),
    ...{ events: scene.cluster.events, balancing: scene.recording.balancing },
    ...{ losses: outcome.losses, from: began - here(20), to: scene.cluster.now() },
  }),
);
console.log(`${titleOf(outcome)}\nThe picture is in ${options.svg}`);
Deno.exitCode = outcome.failed === 0 ? 0 : 1;

function titleOf({ strategy, failed, begun, duration, untilGone }: Outcome): string {
  return `${strategy}: ${failed} of ${begun} connections failed; rolled out in ` +
    `${duration.toFixed(0)} s, the last old pod gone after ${untilGone.toFixed(0)} s`;
}

function readOptions() {
  const names = ["strategy", "svg"];
  const given = parseArgs(Deno.args, { string: names, collect: names });
  const texts = (name: string) => Array.isArray(given[name]) ? given[name].map(String) : [];
  try {
    const unknown = Object.keys(given).filter((name) => ![...names, "_"].includes(name));
    if (unknown.length > 0) throw new RangeError(USAGE);
    return {
      // `--strategy prestop-sleep 15` is two arguments.
      strategy: named(
        [texts("strategy").at(-1) ?? "native-sidecar", ...texts("_")].join(" "),
        STRATEGIES,
      ),
      svg: texts("svg").at(-1) ?? Deno.makeTempFileSync({ prefix: "rollout-", suffix: ".svg" }),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    return Deno.exit(2);
  }
}
