/** `deno task run tests/soak/main.ts --minutes N`: a real sidecar under disturbances; nothing of it may grow. */
import { parseArgs } from "@std/cli/parse-args";
import { bundle, DIST } from "../../tools/bundle.ts";
import type { FaultRule } from "../emulator/faults.ts";
import { startEmulator } from "../emulator/server.ts";
import { TARGET } from "../e2e/scene.ts";
import { SidecarProcess } from "../e2e/sidecar_process.ts";
import { drawAction, type Surroundings } from "./actions.ts";
import { grows, MEASURES, type Sample, sample, trend } from "./samples.ts";

const USAGE = "Usage: deno task run tests/soak/main.ts [--minutes N]";
const GROUP = "soak";
const MINUTE = 60_000;
/** Milliseconds between disturbances, and between samples. */
const PACE = 250;
const SAMPLE_EVERY = 2_000;
/** The beginning is not counted: code is compiled, pools fill up. */
const WARM_UP = 0.25;

const sometimes = (probability: number, seed: number) => ({ occurrence: { probability, seed } });
const FAULTS: readonly FaultRule[] = [
  { action: "DescribeTargetHealth", ...sometimes(0.1, 1), what: "throttle" },
  { action: "DescribeTargetHealth", ...sometimes(0.1, 2), what: "internal-failure" },
  { action: "RegisterTargets", ...sometimes(0.2, 3), what: "throttle" },
  { action: "DeregisterTargets", ...sometimes(0.2, 4), what: "service-unavailable" },
];

/** A sidecar that does all it can: log, hook, service, watch, drain. */
function flags(): string[] {
  return [
    `-target-group-name=${GROUP}`,
    `-target-id=${TARGET}`,
    "-log-level=debug",
    "-post-register-command=seq 200",
    "-listen=127.0.0.1:0",
    "-watch-interval=500ms",
    "-min-drain-time=200ms",
    "-wait-drained-timeout=10s",
    "-wait-in-service-timeout=30s",
  ];
}

async function main(args: readonly string[]): Promise<number> {
  const given = parseArgs([...args], { string: ["minutes"], collect: [] });
  const minutes = Number(given["minutes"] ?? 60);
  if (!(minutes > 0)) {
    console.error(USAGE);
    return 2;
  }
  await bundle(DIST);
  Deno.env.set("SIDECAR", "bundle");
  await using emulator = await startEmulator({
    groups: [{
      name: GROUP,
      healthCheckIntervalSeconds: 1,
      deregistrationDelaySeconds: 1,
      health: { check: "assumed", after: 0, healthy: true },
    }],
    faults: FAULTS,
  });
  await using sidecar = new SidecarProcess({
    args: flags(),
    env: emulator.environment,
  });
  await sidecar.line(/target registered/);
  const listening = await sidecar.line(/listening address=/);
  const url = `http://${/address=(\S+)/.exec(listening)?.[1]}`;
  const samples = await disturb(sidecar.pid, { emulator, group: GROUP, url }, minutes);
  sidecar.signal("SIGTERM");
  const { code } = await sidecar.ended();
  console.log(`${emulator.calls.length} calls, ${sidecar.log.length} log lines, exit code ${code}`);
  return report(samples) && code === 0 ? 0 : 1;
}

/** One disturbance after the other, while samples are taken. */
async function disturb(
  pid: number,
  surroundings: Surroundings,
  minutes: number,
): Promise<Sample[]> {
  const began = performance.now();
  const samples: Sample[] = [];
  const counts = new Map<string, number>();
  let sampledAt = -Infinity;
  while (true) {
    const elapsed = performance.now() - began;
    if (elapsed > minutes * MINUTE) break;
    if (elapsed - sampledAt >= SAMPLE_EVERY) {
      samples.push(await sample(pid, elapsed / MINUTE / 60));
      sampledAt = elapsed;
    }
    const action = drawAction(Math.random());
    if (action !== undefined) {
      await action.act(surroundings);
      counts.set(action.name, (counts.get(action.name) ?? 0) + 1);
    }
    await new Promise((resolve) => setTimeout(resolve, PACE));
  }
  for (const [name, count] of counts) console.log(`${String(count).padStart(6)} × ${name}`);
  return samples;
}

/** Prints the trends. Returns whether nothing grows. */
function report(samples: readonly Sample[]): boolean {
  const counted = samples.slice(Math.floor(samples.length * WARM_UP));
  let isFlat = true;
  for (const measure of MEASURES) {
    const line = trend(counted.map((one) => ({ x: one.hours, y: one[measure] })));
    const isGrowing = grows(measure, line);
    isFlat &&= !isGrowing;
    console.log(
      `${measure.padEnd(9)} ${line.mean.toFixed(2).padStart(8)}  ` +
        `slope ${line.slope.toFixed(3)} ± ${line.error.toFixed(3)} an hour: ` +
        (isGrowing ? "GROWS" : "flat"),
    );
  }
  return isFlat;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
