/** What a target group more costs. */
import type { Emulator } from "../emulator/emulator.ts";
import { sidecarOf } from "./programs.ts";
import { type Verdict, verdictOn } from "./bar.ts";
import { onStage } from "./stage.ts";

/** By this, how many groups there are. */
const MANY = 100;
/** DescribeTargetGroups takes 20 names. */
const CALLS_TO_RESOLVE = 5;
const LARGEST_RATIO = 1.25;
const LONGEST_MS = 100;

/** What one life with many groups came to. */
interface ManyLife {
  readonly resident: number;
  readonly resolvingCalls: number;
  /** From SIGTERM until the API had read the last DeregisterTargets. */
  readonly deregisteredIn: number;
}

/** 100 groups beside one. */
export async function judgeManyGroups(): Promise<Verdict[]> {
  const one = await live(1);
  const many = await live(MANY);
  const ratio = many.resident / one.resident;
  const say = (what: string, met: boolean, words: string) =>
    verdictOn(`${MANY} groups: ${what}`, met, words);
  return [
    say(
      "resident memory",
      ratio <= LARGEST_RATIO,
      `${many.resident.toFixed(1)} MB, ${
        ratio.toFixed(2)
      } × that of one (bar: ≤ ${LARGEST_RATIO} ×)`,
    ),
    say(
      "calls to resolve",
      many.resolvingCalls <= CALLS_TO_RESOLVE,
      `${many.resolvingCalls} (bar: ≤ ${CALLS_TO_RESOLVE})`,
    ),
    say(
      "SIGTERM → last DeregisterTargets",
      many.deregisteredIn <= LONGEST_MS,
      `${many.deregisteredIn.toFixed(1)} ms (bar: ≤ ${LONGEST_MS} ms)`,
    ),
  ];
}

async function live(count: number): Promise<ManyLife> {
  const groups = Array.from({ length: count }, (_, index) => `group-${index + 1}`);
  return await onStage(sidecarOf(groups), { groups }, async ({ process, emulator }) => {
    const { resident } = await process.memory();
    const last = lastDeregistration(emulator, count);
    const signalledAt = performance.now();
    process.signal("SIGTERM");
    const deregisteredIn = await last - signalledAt;
    const { code } = await process.ended;
    if (code !== 0) throw new Error(`${count} groups: exit code ${code}:\n${process.text}`);
    const resolving = emulator.calls.filter(({ action }) => action === "DescribeTargetGroups");
    return { resident, resolvingCalls: resolving.length, deregisteredIn };
  });
}

async function lastDeregistration(emulator: Emulator, count: number): Promise<number> {
  let left = count;
  await emulator.seen((event) =>
    event.kind === "call-received" && event.action === "DeregisterTargets" && --left === 0
  );
  return performance.now();
}
