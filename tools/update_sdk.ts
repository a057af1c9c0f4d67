/**
 * `deno task run tools/update_sdk.ts`: takes the newest AWS SDK 3.x, and runs the tests that tell
 * whether it still fits. The checkout gets new imports and a new lock file; commit them if it does.
 */
import { ROOT, runDeno } from "./deno.ts";
import { outputOf } from "./process.ts";

const MAPS = ["deno.json", "tools/std/import_map.json"];
const IMPORT = /npm:(@(?:aws-sdk|smithy)\/[\w-]+)@([\d.]+)/g;

/** What meets the SDK: the client, credentials, the wire, the bundle. */
const TESTS = [
  ...["tests/unit/aws", "tests/unit/tools"],
  ...["life", "credentials", "faults", "attack/replies"].map((name) => `tests/e2e/${name}_test.ts`),
];

/** The newest version of the same major version. */
async function newest(name: string, version: string): Promise<string> {
  const [major = ""] = version.split(".");
  const text = await outputOf("npm", ["view", `${name}@${major}`, "version", "--json"]);
  const versions: string[] = [JSON.parse(text)].flat();
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return versions.filter((one) => /^[\d.]+$/.test(one)).sort(compare).at(-1) ?? version;
}

const [first = ""] = MAPS;
const texts = new Map(MAPS.map((file) => [file, Deno.readTextFileSync(ROOT + file)]));
const used = new Map(
  [...(texts.get(first) ?? "").matchAll(IMPORT)].map((
    [, name = "", version = ""],
  ) => [name, version]),
);
const updates = new Map<string, string>();
for (const [name, version] of used) {
  const update = await newest(name, version);
  if (update === version) continue;
  updates.set(name, update);
  console.log(`${name} ${version} → ${update}`);
}
if (updates.size === 0) {
  console.log("the SDK is the newest");
  Deno.exit(0);
}
for (const [file, text] of texts) {
  const renewed = text.replaceAll(
    IMPORT,
    (_, name, version) => `npm:${name}@${updates.get(name) ?? version}`,
  );
  await Deno.writeTextFile(ROOT + file, renewed);
}
try {
  // Not frozen: this writes the lock file.
  const map = "--import-map=tools/std/import_map.json";
  await outputOf(Deno.execPath(), ["check", map, "main.ts", "tests", "tools"], { cwd: ROOT });
  await runDeno("run", ["-A", "tools/test.ts", ...TESTS]);
  console.log("it fits: run `deno task ci`, and commit the imports and the lock file");
} catch (error) {
  console.error(
    `it does not fit: ${error}\nundo it with: git checkout ${MAPS.join(" ")} deno.lock`,
  );
  Deno.exit(1);
}
