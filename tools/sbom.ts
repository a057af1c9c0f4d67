/** What the program is made of, as a CycloneDX document: the packages of a build, and their hashes. */
import type { Lock, Package } from "./bundle/layout.ts";

/** What an SBOM is made from. */
export interface SbomOptions {
  readonly version: string;
  readonly commit: string;
  /** The version of Deno's runtime. */
  readonly deno: string;
  /** The packages of which there is code in the build. */
  readonly packages: readonly Package[];
  readonly lock: Lock;
}

const NAME = "k8s-nlb-registrator-sidecar";

/**
 * The same input gives the same text: there is no time and no random number in it.
 * @throws {Error} The lock file does not have a package.
 */
export function sbom({ version, commit, deno, packages, lock }: SbomOptions): string {
  const hashes = hashesOf(lock);
  const runtime = { name: "deno", version: deno };
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        ...component("application", { name: NAME, version }, `generic/${NAME}@${version}`),
        licenses: [{ license: { id: "Apache-2.0" } }],
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: [
      component("platform", runtime, `github/denoland/deno@v${deno}`),
      ...packages.map(({ name, version }) => {
        const content = hashes.get(`${name}@${version}`);
        if (content === undefined) throw new Error(`deno.lock has no package ${name}@${version}`);
        const purl = `npm/${name.replace("@", "%40")}@${version}`;
        const hash = { alg: "SHA-512", content };
        return { ...component("library", { name, version }, purl), hashes: [hash] };
      }),
    ],
  };
  return JSON.stringify(document, null, 2) + "\n";
}

function component(type: string, { name, version }: Package, path: string) {
  const purl = `pkg:${path}`;
  return { type, name, version, purl, "bom-ref": purl };
}

/** By name and version, in hexadecimal digits: the lock file has `sha512-BASE64`. */
function hashesOf({ npm }: Lock): ReadonlyMap<string, string> {
  const hex = (bytes: string) =>
    [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return new Map(
    Object.entries(npm).map(([key, { integrity }]) => {
      const [name] = key.split("_");
      return [name ?? "", hex(atob(integrity.replace(/^sha512-/, "")))];
    }),
  );
}
