/** The small files of a release: sums, notes, and what goes into the SBOM. */

/** Lines as `sha256sum` writes and checks them, sorted by name. */
export async function sums(folder: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    [...names].sort().map(async (name) => {
      const digest = await crypto.subtle.digest(
        "SHA-256",
        await Deno.readFile(`${folder}/${name}`),
      );
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
      return `${hex.join("")}  ${name}\n`;
    }),
  );
  return lines.join("");
}

/**
 * A version's section of a changelog, without its heading.
 * @throws {Error} It has none, or an empty one.
 */
export function changelogSection(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((one) => one.startsWith(`[${version}]`));
  const text = section?.slice(section.indexOf("\n")).trim() ?? "";
  if (text === "") throw new Error(`CHANGELOG.md has no section [${version}], or it is empty`);
  return text + "\n";
}

/** What the sources import from packages, resolved by an import map; sorted, each once. */
export function packagesOf(
  sources: readonly string[],
  imports: Readonly<Record<string, string>>,
): string[] {
  const named = sources.flatMap((source) =>
    [...source.matchAll(/(?:from|import)\s*\(?"([^".][^"]*)"/g)].map(([, name = ""]) => name)
  );
  return [...new Set(named.flatMap((name) => imports[name] ?? []))].sort();
}
