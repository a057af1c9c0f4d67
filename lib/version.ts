/** The version of this program; `CHANGELOG.md` tells what is in it. */
export const VERSION = "0.2.0";

/** The commit that a binary was made of. `tools/compile.ts` puts it in the place of this word. */
const COMMIT = "@COMMIT@";

/** The commit of a binary; empty in a checkout. */
export function commit(): string {
  return COMMIT.startsWith("@") ? "" : COMMIT;
}

/** What `-version` prints. */
export function versionText(): string {
  const of = commit() === "" ? "" : `commit ${commit()}, `;
  return `k8s-nlb-registrator-sidecar ${VERSION} (${of}deno ${Deno.version.deno})`;
}
