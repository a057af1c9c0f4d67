import { assertEquals, assertThrows } from "@std/assert";
import { checkedTarget, oneOption } from "../../../tools/compile.ts";
import { changelogSection, packagesOf, sums } from "../../../tools/release_files.ts";
import { type Lock, sbom } from "../../../tools/sbom.ts";
import { VERSION } from "../../../lib/version.ts";

const LOCK: Lock = {
  specifiers: { "npm:a@1.0.0": "1.0.0" },
  npm: {
    "a@1.0.0": { integrity: "sha512-AQI=", dependencies: ["@s/b", "c@2.0.0"] },
    "@s/b@3.1.0": { integrity: "sha512-AQI=" },
    "c@1.0.0": { integrity: "sha512-AQI=" },
    "c@2.0.0": { integrity: "sha512-AQI=", dependencies: ["a"] },
    "test-only@9.0.0": { integrity: "sha512-AQI=" },
  },
};

const OPTIONS = {
  version: "1.2.3",
  commit: "abc",
  deno: "2.9.6",
  imports: ["npm:a@1.0.0", "jsr:@std/cli@1.0.32/parse-args"],
  lock: LOCK,
};

interface Part {
  readonly purl: string;
  readonly hashes?: readonly { readonly content: string }[];
}

function parts(text: string): Part[] {
  return JSON.parse(text).components;
}

Deno.test("the SBOM names Deno, the JSR packages, and all npm packages that are reached", () => {
  assertEquals(parts(sbom(OPTIONS)).map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:jsr/%40std/cli@1.0.32",
    "pkg:npm/%40s/b@3.1.0",
    "pkg:npm/a@1.0.0",
    "pkg:npm/c@2.0.0",
  ]);
});

Deno.test("the SBOM has the hashes of the lock file, in hexadecimal digits", () => {
  const [a] = parts(sbom(OPTIONS)).filter(({ purl }) => purl === "pkg:npm/a@1.0.0");
  assertEquals(a?.hashes?.map(({ content }) => content), ["0102"]);
});

Deno.test("the SBOM says version and commit, and is the same each time", () => {
  const { metadata, specVersion } = JSON.parse(sbom(OPTIONS));
  assertEquals(specVersion, "1.5");
  assertEquals(metadata.component.version, "1.2.3");
  assertEquals(metadata.component.properties, [{ name: "commit", value: "abc" }]);
  assertEquals(sbom(OPTIONS), sbom(OPTIONS));
});

Deno.test("a package that the lock file does not have is no SBOM", () => {
  assertThrows(() => sbom({ ...OPTIONS, imports: ["npm:x@1.0.0"] }), Error, "x@1.0.0");
});

Deno.test("packagesOf() finds static and dynamic imports of packages, each once", () => {
  const sources = [
    'import { a } from "a";\nimport b from "./b.ts";\nimport type { A } from "a";',
    'const { c } = await import("@s/c/sub");',
  ];
  const imports = { "a": "npm:a@1.0.0", "@s/c/sub": "npm:@s/c@1.0.0/sub", "d": "npm:d@1.0.0" };
  assertEquals(packagesOf(sources, imports), ["npm:@s/c@1.0.0/sub", "npm:a@1.0.0"]);
});

const CHANGELOG =
  "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n\n## [0.1.0] - 2026\n\n- Two.\n";

Deno.test("changelogSection() is one version's text", () => {
  assertEquals(changelogSection(CHANGELOG, "Unreleased"), "### Added\n\n- One.\n");
  assertEquals(changelogSection(CHANGELOG, "0.1.0"), "- Two.\n");
});

Deno.test("a release without its section of the changelog is refused", () => {
  assertThrows(() => changelogSection(CHANGELOG, "0.2.0"), Error, "no section [0.2.0]");
  assertThrows(() => changelogSection("## [0.2.0]\n\n## [0.1.0]\n", "0.2.0"), Error, "empty");
});

Deno.test("sums() writes what sha256sum checks", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/b`, "b");
  await Deno.writeTextFile(`${folder}/a`, "a");
  await Deno.writeTextFile(`${folder}/SUMS`, await sums(folder, ["b", "a"]));
  const { success, stdout } = await new Deno.Command("sha256sum", {
    args: ["--check", "SUMS"],
    cwd: folder,
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout)], [true, "a: OK\nb: OK\n"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a target that nothing is compiled for is refused by name", () => {
  assertThrows(() => checkedTarget("riscv64"), Error, '--target is "riscv64"');
});

Deno.test("of an option given twice the last one wins", () => {
  assertEquals(oneOption("a", ["--a=1", "--a", "2"]), "2");
  assertEquals(oneOption("a", ["--b=1"]), undefined);
});

Deno.test("the version is one that a tag and a changelog can name", () => {
  assertEquals(/^\d+\.\d+\.\d+$/.test(VERSION), true);
});
