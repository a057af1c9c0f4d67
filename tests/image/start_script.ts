/** A program that is the sidecar's container: the end-to-end tests start it as they do a process. */
import { RESTRICTED } from "./container.ts";
import { IMAGE, prepareEngine } from "./engine.ts";

/** The script, until it is disposed of. */
export interface StartScript extends AsyncDisposable {
  readonly path: string;
}

/** Builds the image, and writes a script that hands its environment and arguments to a container. */
export async function startScriptFor(): Promise<StartScript> {
  const folder = await Deno.makeTempDir({ prefix: "image-" });
  const engine = await prepareEngine(`${folder}/engine`);
  await engine.build();
  const path = `${folder}/sidecar`;
  const settings = Object.entries(engine.env).map(([name, value]) => `export ${name}=${value}`);
  // As root without its powers: the tests' files belong to their user. podman hands on SIGTERM.
  const options = [...RESTRICTED, "--rm", "--env-host", "--user=0:0", "--volume=/tmp:/tmp"];
  await Deno.writeTextFile(
    path,
    ["#!/bin/sh", ...settings, `exec podman run ${options.join(" ")} ${IMAGE} "$@"`, ""].join("\n"),
    { mode: 0o755 },
  );
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await engine.podman(["rm", "--all", "--force", "--time=0"]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
