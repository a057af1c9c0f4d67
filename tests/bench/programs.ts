/** What is measured: a table of programs. */
import { sidecarCommand, sidecarForm } from "../../tools/sidecar_command.ts";
import { GROUP, TARGET } from "./scene.ts";

/** How it is seen that a program has started and waits for its signal. */
export type Ready =
  /** It writes a line with these words on stderr. */
  | { readonly says: string }
  /** The API has answered this call of it. */
  | { readonly answered: string };

/** A program to be measured. */
export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly ready: Ready;
  /** Whether it makes the sidecar's calls; others make none. */
  readonly calls: boolean;
}

/** The programs that the figures are about. */
export const SIDECAR = "sidecar";
export const BARE_FETCH = "bare fetch";
export const EMPTY = "empty";

/** What users run is measured, unless `SIDECAR` says otherwise. */
const FORM = sidecarForm(Deno.env.get("SIDECAR") ?? "bundle");

const TARGET_FLAG = ["-target-id", TARGET] as const;
const FLAGS = ["-target-group-name", GROUP, ...TARGET_FLAG] as const;

/** Which programs there are beside the usual ones. */
export interface ProgramOptions {
  /** A binary with the flags of the original program. */
  readonly peer?: string | undefined;
  /** Other checkouts of the sidecar, to see what a change brings. */
  readonly beside: readonly string[];
}

/** All programs, in the order in which each round runs them. */
export function programs({ peer, beside }: ProgramOptions): readonly Program[] {
  return [
    sidecar(SIDECAR, sidecarCommand(FORM)),
    {
      name: BARE_FETCH,
      command: [...asTheSidecar("programs/bare_fetch.ts"), GROUP, TARGET],
      ready: { says: "serving" },
      calls: true,
    },
    {
      name: EMPTY,
      command: asTheSidecar("programs/empty.ts"),
      ready: { says: "serving" },
      calls: false,
    },
    ...beside.map((checkout) => sidecar(checkout, runs(`${checkout}/main.ts`))),
    ...(peer === undefined ? [] : [peerProgram(peer)]),
  ];
}

function sidecar(name: string, command: readonly [string, ...string[]]): Program {
  return {
    name,
    command: [...command, ...FLAGS],
    ready: { says: "serving until a stop signal comes" },
    calls: true,
  };
}

/** What it logs is not known; its last call before it waits is. */
function peerProgram(path: string): Program {
  return {
    name: "peer",
    command: [path, ...FLAGS],
    ready: { answered: "DescribeTargetHealth" },
    calls: true,
  };
}

/** The same runtime with the same options and permissions as the sidecar has. */
function asTheSidecar(file: string): [string, ...string[]] {
  return runs(new URL(file, import.meta.url).pathname);
}

/**
 * A compiled sidecar brings its own runtime; beside it, the others run on the caller's, unless they
 * are compiled too.
 */
function runs(file: string): [string, ...string[]] {
  const compiled = FORM.startsWith("/") && besideOf(FORM, file);
  if (compiled) return [compiled];
  const [deno, ...args] = sidecarCommand(FORM === "bundle" ? "bundle" : "source");
  return [deno, ...args.slice(0, -1), file];
}

/** The compiled program of a file, where it lies beside the compiled sidecar. */
function besideOf(sidecar: string, file: string): string | undefined {
  const name = file.slice(file.lastIndexOf("/") + 1).replace(/\.ts$/, "");
  const path = `${sidecar.slice(0, sidecar.lastIndexOf("/"))}/${name}`;
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Programs that end by themselves: the sidecar's `-h`, and one that does nothing. */
export function briefPrograms(): readonly Brief[] {
  return [
    { name: SIDECAR, command: [...sidecarCommand(FORM), "-h"] },
    { name: EMPTY, command: asTheSidecar("programs/nothing.ts") },
  ];
}

/** A program that ends by itself. */
export type Brief = Pick<Program, "name" | "command">;

/** The sidecar for many target groups. */
export function sidecarOf(groups: readonly string[]): Program {
  const flags = groups.flatMap((group) => ["-target-group-name", group]);
  const [command, ...args] = sidecarCommand(FORM);
  return { ...sidecar(SIDECAR, [command]), command: [command, ...args, ...flags, ...TARGET_FLAG] };
}
