/** Which sidecar is rolled out. */
import { bundle } from "../../tools/bundle.ts";
import { PERMISSIONS, sidecarCommand } from "../../tools/sidecar_command.ts";
import type { Command } from "./programs.ts";

/** How it is started, until it is disposed of. */
export interface Sidecar extends AsyncDisposable {
  readonly command: Command;
}

/**
 * This checkout's sidecar: what `SIDECAR` names, or a bundle that is made for the purpose. Pods
 * start one each, and the bundle starts soonest.
 */
export async function sidecar(): Promise<Sidecar> {
  if (Deno.env.get("SIDECAR")) {
    return { command: sidecarCommand(), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const folder = await Deno.makeTempDir({ prefix: "sidecar-" });
  await bundle(`${folder}/dist`);
  return {
    command: [Deno.execPath(), "run", "--quiet", ...PERMISSIONS, `${folder}/dist/main.js`],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
