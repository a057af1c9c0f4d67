/** The version of this program; `CHANGELOG.md` tells what is in it. */
export const VERSION = "0.1.0";

/** The commit that a binary was made of. `tools/compile.ts` puts it in the place of this word. */
const COMMIT = "@COMMIT@";

/** What `-version` prints. */
export function versionText(): string {
  const commit = COMMIT.startsWith("@") ? "" : `commit ${COMMIT}, `;
  return `k8s-nlb-registrator-sidecar ${VERSION} (${commit}deno ${Deno.version.deno})`;
}
