/** From a container's specification to the process that stands for it. */
import { argumentVariables, environmentOf, type Identity } from "./env.ts";
import { expand } from "./expansion.ts";
import { ManifestError } from "./manifest_error.ts";
import type { Start } from "./processes.ts";
import type { ContainerSpec } from "./spec.ts";
import type { World } from "./world.ts";

/**
 * What is started for a container.
 * @param terminationLog The real path of its termination message file.
 * @throws {ManifestError} No program is given for its image.
 */
export function startCommand(
  spec: ContainerSpec,
  pod: Identity,
  world: World,
  terminationLog: string,
): Start {
  const { image, command, env, name: container } = spec;
  const program = world.images(image);
  if (!program) {
    throw new ManifestError(`container ${container}: no program is given for image ${image}`);
  }
  const variables = argumentVariables(env, pod);
  const place = { container, image, pod, terminationLog, timeScale: world.time.scale };
  const args = world.rewrite(spec.args.map((arg) => expand(arg, variables)), place);
  const words = command?.map((word) => expand(word, variables)) ?? program.entrypoint;
  // There is no mount at the path in the manifest: what names it is given the real one.
  const real = (word: string) => word.replaceAll(spec.terminationMessagePath, terminationLog);
  return {
    command: [...words, ...args].map(real),
    env: environmentOf(env, pod, program.env ?? {}),
  };
}
