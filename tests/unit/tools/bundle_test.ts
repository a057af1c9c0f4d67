import { assertEquals } from "@std/assert";
import { outputOf, runProgram } from "../../../tools/process.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

async function bundledIn(checkout: string, outdir: string): Promise<Record<string, string>> {
  const args = ["task", "-q", "bundle", outdir];
  await outputOf(Deno.execPath(), args, { cwd: checkout });
  const names = [...Deno.readDirSync(outdir)].map(({ name }) => name).sort();
  return Object.fromEntries(
    names.map((name) => [name, Deno.readTextFileSync(`${outdir}/${name}`)]),
  );
}

Deno.test("the bundle has the same bytes wherever its source is checked out", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkout = `${folder}/somewhere/else`;
    await Deno.mkdir(checkout, { recursive: true });
    await runProgram("cp", ["-R", "main.ts", "deno.json", "deno.lock", "lib", "tools", checkout], {
      cwd: ROOT,
    });
    const here = await bundledIn(ROOT, `${folder}/here`);
    assertEquals(await bundledIn(checkout, `${folder}/there`), here);
    assertEquals(Object.values(here).filter((text) => text.includes(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
