/** How this checkout's sidecar is started as a process of its own. */
import { V8_FLAGS } from "./v8_flags.ts";

const root = new URL("../", import.meta.url);

/** What the sidecar must be allowed to do: the README names the same. */
export const PERMISSIONS = ["--no-prompt", "-A"];

/** What a bundle is started with besides. */
export const BUNDLE_OPTIONS = ["--no-config", "--no-lock", "--no-remote", "--no-npm"];

/** Which form of the program is started: a path is that of a binary, or of what starts a container. */
export type SidecarForm = "source" | "bundle" | `/${string}`;

/**
 * Reads `SIDECAR`; unset is the source.
 * @throws {Error} It is none of the forms.
 */
export function sidecarForm(given: string | undefined = Deno.env.get("SIDECAR")): SidecarForm {
  if (given === undefined || given === "" || given === "source") return "source";
  if (given === "bundle") return "bundle";
  if (isAbsolute(given)) return given;
  throw new Error(
    `SIDECAR is "${given}": give it the value source, bundle (made by "deno task bundle"), or the ` +
      "absolute path of a program that is the sidecar",
  );
}

function isAbsolute(path: string): path is `/${string}` {
  return path.startsWith("/");
}

/**
 * The program and its first arguments, in the form that `SIDECAR` names. `SIDECAR_DENO` names
 * another Deno to run it with.
 */
export function sidecarCommand(form: SidecarForm = sidecarForm()): [string, ...string[]] {
  switch (form) {
    case "source":
      return denoRun("main.ts", sourceOptions());
    case "bundle":
      // As little as a compiled program does it read a checkout's settings and lock file.
      // Nor does it load code from elsewhere.
      return denoRun("dist/main.js", [...BUNDLE_OPTIONS, V8_FLAGS]);
    default:
      return [form];
  }
}

function denoRun(file: string, options: readonly string[]): [string, ...string[]] {
  const path = new URL(file, root).pathname;
  const deno = Deno.env.get("SIDECAR_DENO") || Deno.execPath();
  return [deno, "run", "--quiet", ...PERMISSIONS, ...options, path];
}

/** The `@std` packages come from where the calling process has them. */
function sourceOptions(): string[] {
  const std = import.meta.resolve("@std/assert");
  const coverage = Deno.env.get("SIDECAR_COVERAGE");
  return [
    ...(coverage ? [`--coverage=${coverage}`] : []),
    ...(std.startsWith("file:")
      ? [`--import-map=${new URL("tools/std/import_map.json", root).pathname}`]
      : []),
  ];
}
