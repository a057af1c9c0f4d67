/** What the HTTP endpoints cost: of the sidecars that have them. */
import type { Verdict } from "./bar.ts";
import { MeasuredProcess } from "./process.ts";
import { briefPrograms } from "./programs.ts";
import { BARE } from "./scene.ts";

/**
 * Memory with `-listen` beside the empty program, and under probes.
 *
 * A sidecar whose usage text knows no `-listen` is skipped, in so many words.
 */
export async function listenVerdicts(): Promise<Verdict[]> {
  const usage = await usageText();
  if (/^ {2}-listen /m.test(usage)) {
    return [{
      measure: "-listen",
      met: false,
      line: "-listen: memory under probes: not measured yet: NOT met",
    }];
  }
  console.log("-listen: memory under probes: skipped, for this sidecar has no -listen");
  return [];
}

async function usageText(): Promise<string> {
  const [sidecar] = briefPrograms();
  if (sidecar === undefined) return "";
  await using process = new MeasuredProcess(sidecar.command, BARE);
  await process.ended;
  return process.text;
}
