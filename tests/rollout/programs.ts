/** What runs in the place of the images, and with which arguments on this machine. */
import { formatDuration, parseDuration } from "../../lib/host/duration.ts";
import { bundle } from "../../tools/bundle.ts";
import { PERMISSIONS, sidecarCommand } from "../../tools/sidecar_command.ts";
import type { Images, Place } from "../cluster/world.ts";
import { flagOf, GO_IMAGE, NAME, PORTS } from "./manifests.ts";
import { SCALE } from "./time.ts";

/** How a program is started: its path, and its first arguments. */
export type Command = readonly [string, ...string[]];

/** How the sidecar is started, until it is disposed of. */
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

/** The programs of the images in the manifests; `env` is of all of them. */
export function imagesOf(sidecar: Command, env: Readonly<Record<string, string>>): Images {
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const given = { ...Object.fromEntries(kept), DENO_NO_UPDATE_CHECK: "1", ...env };
  return (image) => {
    if (/^k8s-nlb-registrator-sidecar:/.test(image)) return { entrypoint: sidecar, env: given };
    if (image === GO_IMAGE) return { entrypoint: standIn("go_sidecar.ts"), env: given };
    if (image === `${NAME}:example`) return { entrypoint: standIn("echo.ts"), env: given };
    return undefined;
  };
}

function standIn(file: string): Command {
  const options = ["--quiet", "--no-prompt", "--no-check", "--no-config", "-A"];
  const path = new URL(`../cluster/programs/${file}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", ...options, path];
}

/**
 * What the sidecar does by default, where the manifest says nothing: its own durations are to be
 * as much shorter as everything else. Limits of calls stay as they are: the API is as slow here as
 * anywhere, and so do its pauses after a failed call and between two polls.
 */
const DEFAULTS = ["-min-drain-time=3m", "-idle-time=15s", "-wait-drained-timeout=6m"];

/** Arguments for this machine: pods' addresses instead of all, and shorter times. */
export function rewrite(args: readonly string[], place: Place): readonly string[] {
  const { container, image, pod: { ip } } = place;
  if (container === NAME) {
    return [`--host=${ip}`, `--port=${PORTS.application}`, `--health-port=${PORTS.health}`];
  }
  if (image === GO_IMAGE) return [...args, `-scale=${SCALE}`];
  const given = new Set(args.map(flagOf));
  return [...args, ...DEFAULTS.filter((arg) => !given.has(flagOf(arg)))].map((arg) =>
    scaled(arg)
      // A pod here has an address of its own, and no network of its own.
      .replace(/^-listen=:/, `-listen=${ip}:`)
      .replace(/^(-(?:wait-for|pre-deregister-url)=\w+:\/\/)localhost:/, `$1${ip}:`)
  );
}

/** A flag whose value is a duration, with a shorter one. */
function scaled(arg: string): string {
  const [flag = "", value = ""] = arg.split(/=(.*)/s);
  const nanoseconds = parseDuration(value);
  if (value === "0" || nanoseconds === undefined) return arg;
  return `${flag}=${formatDuration(BigInt(Math.round(Number(nanoseconds) / SCALE)))}`;
}
