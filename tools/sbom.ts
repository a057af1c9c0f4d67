/** What the program is made of, as a CycloneDX document: read from the lock file. */

/** A lock file of Deno's, as far as it is read here. */
export interface Lock {
  /** From what an import says to the version that it got. */
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<
    Record<string, { readonly integrity: string; readonly dependencies?: readonly string[] }>
  >;
}

/** What an SBOM is made from. */
export interface SbomOptions {
  readonly version: string;
  readonly commit: string;
  readonly deno: string;
  /** What the program's files import: `npm:…` and `jsr:…`, with exact versions. */
  readonly imports: readonly string[];
  readonly lock: Lock;
}

/** One part of the program. */
interface Component {
  readonly type: "library" | "platform";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly "bom-ref": string;
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

/** The same input gives the same text: there is no time and no random number in it. */
export function sbom({ version, commit, deno, imports, lock }: SbomOptions): string {
  const purl = `pkg:generic/k8s-nlb-registrator-sidecar@${version}`;
  const components = [
    denoItself(deno),
    ...imports.filter((one) => one.startsWith("jsr:")).map(jsrComponent),
    ...npmClosure(imports, lock).map((key) => npmComponent(key, lock)),
  ];
  return JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      version: 1,
      metadata: {
        component: {
          type: "application",
          name: "k8s-nlb-registrator-sidecar",
          version,
          purl,
          "bom-ref": purl,
          licenses: [{ license: { id: "Apache-2.0" } }],
          properties: [{ name: "commit", value: commit }],
        },
      },
      components: unique(components),
    },
    null,
    2,
  ) + "\n";
}

function denoItself(version: string): Component {
  const purl = `pkg:github/denoland/deno@v${version}`;
  return { type: "platform", name: "deno", version, purl, "bom-ref": purl };
}

/** `jsr:@std/cli@1.0.32/parse-args` */
function jsrComponent(specifier: string): Component {
  const [, name = "", version = ""] = /^jsr:(@[^/]+\/[^@/]+)@([^/]+)/.exec(specifier) ?? [];
  const purl = `pkg:jsr/${name.replace("@", "%40")}@${version}`;
  return { type: "library", name, version, purl, "bom-ref": purl };
}

/** All packages that are reached from the imports, by their keys in the lock file, sorted. */
function npmClosure(imports: readonly string[], lock: Lock): string[] {
  const reached = new Set<string>();
  const visit = (key: string) => {
    if (reached.has(key)) return;
    const entry = lock.npm[key];
    if (entry === undefined) throw new Error(`the lock file has no package ${key}`);
    reached.add(key);
    for (const dependency of entry.dependencies ?? []) visit(keyOf(dependency, lock));
  };
  for (const specifier of imports) {
    const [, name = "", version = ""] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/.exec(specifier) ??
      [];
    if (name !== "") visit(`${name}@${version}`);
  }
  return [...reached].sort();
}

/** A dependency is named without its version where the lock file has one version of it only. */
function keyOf(dependency: string, lock: Lock): string {
  if (lock.npm[dependency] !== undefined) return dependency;
  const key = Object.keys(lock.npm).find((key) => key.startsWith(`${dependency}@`));
  return key ?? dependency;
}

function npmComponent(key: string, lock: Lock): Component {
  const at = key.indexOf("@", 1);
  const name = key.slice(0, at);
  // Behind "_" stand the versions of its peers.
  const [version = ""] = key.slice(at + 1).split("_");
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return {
    ...{ type: "library", name, version, purl, "bom-ref": purl },
    hashes: [{ alg: "SHA-512", content: hexOf(lock.npm[key]?.integrity ?? "") }],
  };
}

/** `sha512-BASE64` */
function hexOf(integrity: string): string {
  const bytes = atob(integrity.replace(/^sha512-/, ""));
  return [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function unique(components: readonly Component[]): Component[] {
  return [...new Map(components.map((one) => [one.purl, one])).values()];
}
