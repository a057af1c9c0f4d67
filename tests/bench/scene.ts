/** What every measured program works on: a fresh emulator, and nothing of this machine's. */
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import { HEALTHY } from "../emulator/states.ts";

export const GROUP = "kafka";
export const TARGET = "10.0.0.1";
const PORT = 9092;

/** Starts an emulator in which a target is healthy at once: no pause of a program is measured. */
export async function startScene(names: readonly string[] = [GROUP]): Promise<Emulator> {
  const emulator = await startEmulator({ groups: names.map((name) => ({ name, port: PORT })) });
  emulator.listen(({ kind, ...event }) => {
    if (kind !== "call-applied" || !("call" in event) || event.action !== "RegisterTargets") return;
    for (const name of names) {
      if (emulator.registered(name).length === 0) continue;
      emulator.setHealth(name, { id: TARGET, port: PORT }, HEALTHY);
    }
  });
  return emulator;
}

/** What every program needs to run at all. */
export const BARE: Readonly<Record<string, string>> = {
  PATH: "/usr/bin:/bin",
  HOME: "/",
  DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
};

/** A program's whole environment. */
export function environment(emulator: Emulator, home: string): Record<string, string> {
  return { ...BARE, HOME: home, ...emulator.environment };
}
