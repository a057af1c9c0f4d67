/** What runs in the place of the images, and with which arguments on this machine. */
import { scaleDurations } from "../cluster/durations.ts";
import type { Images, Place } from "../cluster/world.ts";
import { GO_IMAGE, NAME, PORTS } from "./manifests.ts";
import { SCALE } from "./time.ts";

/** How a program is started: its path, and its first arguments. */
export type Command = readonly [string, ...string[]];

const HERE = new URL("../cluster/programs/", import.meta.url);

/**
 * The programs of the images in the manifests.
 * @param sidecar Starts the sidecar.
 * @param env Of all of them, beside what Deno needs.
 */
export function imagesOf(sidecar: Command, env: Readonly<Record<string, string>>): Images {
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const given = { ...Object.fromEntries(kept), DENO_NO_UPDATE_CHECK: "1", ...env };
  return (image) => {
    if (image.startsWith("k8s-nlb-registrator-sidecar:")) {
      return { entrypoint: sidecar, env: given };
    }
    if (image === GO_IMAGE) return { entrypoint: standIn("go_sidecar.ts"), env: given };
    if (image === `${NAME}:example`) return { entrypoint: standIn("echo.ts"), env: given };
    return undefined;
  };
}

function standIn(file: string): Command {
  const options = ["--quiet", "--no-prompt", "--no-check", "--no-config", "-A"];
  return [Deno.execPath(), "run", ...options, new URL(file, HERE).pathname];
}

/**
 * What the sidecar does by default, where the manifest says nothing: its own durations are to be
 * as much shorter as everything else. Limits of calls stay as they are: the API is as slow here as
 * anywhere, and so do its pauses after a failed call and between two looks.
 */
const DEFAULTS = ["-min-drain-time=2m", "-idle-time=5s", "-wait-drained-timeout=6m"];

/** Arguments for this machine: pods' addresses instead of all, and shorter times. */
export function rewrite(args: readonly string[], place: Place): readonly string[] {
  if (place.container === NAME) return applicationArgs(place);
  if (place.image === GO_IMAGE) return [...args, `-scale=${SCALE}`];
  const given = new Set(args.map(flagOf));
  const missing = DEFAULTS.filter((arg) => !given.has(flagOf(arg)));
  return [
    ...scaleDurations([...args, ...missing], SCALE).map((arg) => atPod(arg, place)),
    `-termination-log=${place.terminationLog}`,
  ];
}

function applicationArgs({ pod }: Place): string[] {
  const { application, health } = PORTS;
  return [`--host=${pod.ip}`, `--port=${application}`, `--health-port=${health}`];
}

function flagOf(arg: string): string {
  return arg.split("=")[0] ?? arg;
}

/** A pod here has an address of its own, and no network of its own. */
function atPod(arg: string, { pod }: Place): string {
  return arg.replace(/^-listen=:/, `-listen=${pod.ip}:`)
    .replace(/^(-wait-for=\w+:\/\/)localhost:/, `$1${pod.ip}:`);
}
