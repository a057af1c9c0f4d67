/** What every measured program works on: a fresh emulator, and nothing of this machine's. */
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import { HEALTHY } from "../emulator/states.ts";

export const GROUP = "kafka";
export const TARGET = "10.0.0.1";
const PORT = 9092;

/** Starts an emulator in which a target is healthy at once: no pause of a program is measured. */
export async function startScene(): Promise<Emulator> {
  const emulator = await startEmulator({ groups: [{ name: GROUP, port: PORT }] });
  emulator.listen(({ kind, ...event }) => {
    if (kind !== "call-applied" || !("call" in event) || event.action !== "RegisterTargets") return;
    emulator.setHealth(GROUP, { id: TARGET, port: PORT }, HEALTHY);
  });
  return emulator;
}

/** A program's whole environment. */
export function environment(emulator: Emulator, home: string): Record<string, string> {
  const denoDir = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  return { PATH: "/usr/bin:/bin", HOME: home, DENO_DIR: denoDir, ...emulator.environment };
}
