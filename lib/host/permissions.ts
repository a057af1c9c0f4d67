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

type Kept = "always" | "never" | keyof Needs;

/** What becomes of one permission. */
interface Rule {
  readonly kept: Kept;
  /** For the documentation: when it is kept, and what for. */
  readonly text: string;
  /** The option by which `deno run` gives it. */
  readonly option: string;
}

/** The one table of permissions, by Deno's names; `docs/security.md` shows it. */
export const PERMISSIONS = {
  net: {
    kept: "always",
    text: "kept: the API, credentials, webhooks, the HTTP endpoints",
    option: "--allow-net",
  },
  env: {
    kept: "always",
    text: "kept: the SDK reads its variables at each refresh of credentials",
    option: "--allow-env",
  },
  read: {
    kept: "always",
    text: "kept: tokens are read again before they expire; it cannot be narrowed to their paths",
    option: "--allow-read",
  },
  run: {
    kept: "commands",
    text: "given back, unless a command hook or a `credential_process` is set",
    option: "--allow-run",
  },
  sys: {
    kept: "homeFolder",
    text: "given back, unless `HOME` is not set: the SDK then queries the system",
    option: "--allow-sys=uid,homedir",
  },
  write: {
    kept: "never",
    text: "given back: the termination log is open by then",
    option: "--allow-write",
  },
  ffi: {
    kept: "never",
    text: "given back: `waitpid` is loaded by then, where the sidecar is process 1 and has hooks",
    option: "--allow-ffi",
  },
  import: {
    kept: "never",
    text: "given back; with `deno run`, `--no-npm` denies packages too",
    option: "--allow-import",
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type PermissionName = keyof typeof PERMISSIONS;

/** All of them, in the order of the table. */
export const PERMISSION_NAMES: readonly PermissionName[] = Object.keys(PERMISSIONS)
  .filter((name): name is PermissionName => Object.hasOwn(PERMISSIONS, name));

/** What no sidecar can do without. */
export const LEAST_NEEDS: Needs = { commands: false, homeFolder: false };

/** What no permission guards: storage on the disk, and new global scopes that have it again. */
const UNGUARDED = ["caches", "localStorage", "sessionStorage", "Worker"] as const;

/** Gives back, for the rest of the process, what is not needed; the result is what is kept. */
export function giveBack(needs: Needs): readonly PermissionName[] {
  for (const name of UNGUARDED) Reflect.deleteProperty(globalThis, name);
  for (const name of PERMISSION_NAMES) {
    if (!isNeeded(name, needs)) Deno.permissions.revokeSync({ name });
  }
  return neededPermissions(needs);
}

/** The options that `deno run` has to be given for these needs and was not. */
export function lackingPermissions(needs: Needs): readonly string[] {
  return neededPermissions(needs).filter((name) => !isGranted(name))
    .map((name) => PERMISSIONS[name].option);
}

function neededPermissions(needs: Needs): readonly PermissionName[] {
  return PERMISSION_NAMES.filter((name) => isNeeded(name, needs));
}

function isNeeded(name: PermissionName, needs: Needs): boolean {
  const { kept } = PERMISSIONS[name];
  return kept === "always" || (kept !== "never" && needs[kept]);
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
