/**
 * What this process may do. It starts with more than it needs: Deno opens files under `/dev` and
 * `/proc` (termination log, table of connections) for programs with all permissions only, and no
 * permission can be narrowed once it is given. So the sidecar opens what it needs at its start, and
 * then gives back every permission that its flags do not need. What is open stays usable.
 */

/** The reasons to keep a permission that most sidecars give back. */
export interface Needs {
  /** Commands are to be run: hooks, or a `credential_process` of a shared AWS config file. */
  readonly commands: boolean;
  /** The user's home folder must be found without `HOME`. */
  readonly homeFolder: boolean;
}

/** What no sidecar can do without. */
export const LEAST_NEEDS: Needs = { commands: false, homeFolder: false };

/** All of them, by Deno's names; `docs/security.md` says why each is kept or given back. */
export const PERMISSION_NAMES = [
  "net",
  "env",
  "read",
  "run",
  "sys",
  "write",
  "ffi",
  "import",
] as const;

export type PermissionName = typeof PERMISSION_NAMES[number];

/** What these needs take, in the order of all. */
export function neededPermissions({ commands, homeFolder }: Needs): readonly PermissionName[] {
  const kept: Partial<Record<PermissionName, boolean>> = {
    ...{ net: true, env: true, read: true },
    run: commands,
    sys: homeFolder,
  };
  return PERMISSION_NAMES.filter((name) => kept[name]);
}

/** What no permission guards: storage on the disk, and new global scopes that have it again. */
const UNGUARDED = ["caches", "localStorage", "sessionStorage", "Worker"] as const;

/** Gives back, for the rest of the process, what is not needed; the result is what is kept. */
export function giveBack(needs: Needs): readonly PermissionName[] {
  const needed = neededPermissions(needs);
  for (const name of UNGUARDED) Reflect.deleteProperty(globalThis, name);
  for (const name of PERMISSION_NAMES) {
    if (!needed.includes(name)) Deno.permissions.revokeSync({ name });
  }
  return needed;
}

/** The options that `deno run` has to be given for these needs and was not. */
export function lackingPermissions(needs: Needs): readonly string[] {
  return neededPermissions(needs).filter((name) => !isGranted(name))
    .map((name) => name === "sys" ? "--allow-sys=uid,homedir" : `--allow-${name}`);
}

/** A list of hosts, paths or programs looks like no permission: nothing shows what it contains. */
function isGranted(name: PermissionName): boolean {
  return Deno.permissions.querySync({ name }).state === "granted" ||
    (name === "sys" && isHomeGranted());
}

function isHomeGranted(): boolean {
  return (["uid", "homedir"] as const)
    .every((kind) => Deno.permissions.querySync({ name: "sys", kind }).state === "granted");
}
