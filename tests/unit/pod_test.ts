/** What a sidecar does beside its lifecycle, and no client sees: by what V8 says that was run. */
import { assertEquals } from "@std/assert";
import { ROOT, stdOptions } from "../../tools/deno.ts";
import { PrintedLines } from "../../tools/lines.ts";
import { startEmulator } from "../emulator/server.ts";
import { test } from "../test.ts";

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

/** How often each function of the program was run, by file and name. */
async function runsIn(folder: string): Promise<(name: string) => number> {
  const runs = new Map<string, number>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".json")) continue;
    const { url, functions }: Script = JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
    for (const { functionName, ranges: [whole] } of functions) {
      runs.set(`${url.slice(url.indexOf("/lib/") + 1)} ${functionName}`, whole?.count ?? 0);
    }
  }
  return (name) => runs.get(name) ?? -1;
}

test("when it has nothing to do, it gives memory back and rehearses a stop", async () => {
  await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
  const given = Deno.env.get("SIDECAR_COVERAGE");
  const folder = given || await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "-A", "--no-check", ...stdOptions(), `--coverage=${folder}`, "main.ts"],
      ...["-target-group-name=kafka", "-target-id=10.0.0.1"],
    ],
    ...{ cwd: ROOT, env: emulator.environment, stdin: "null", stderr: "piped" },
  }).spawn();
  const log = new PrintedLines(child.stderr);
  await log.line(/serving until/);
  child.kill("SIGTERM");
  const { code } = await child.status;
  await log.end;
  assertEquals(code, 0, log.lines.join("\n"));
  const runs = await runsIn(folder);
  assertEquals(runs("lib/host/memory.ts giveMemoryBack"), 1);
  assertEquals(runs("lib/lifecycle/rehearsal.ts rehearseLifecycle"), 1);
  // After the first registration, and again when there is time.
  assertEquals(runs("lib/aws/sdk_client.ts rehearse"), 2);
  assertEquals(runs("lib/lifecycle/lifecycle.ts runLifecycle"), 2, "its own, and the rehearsal");
  if (!given) await Deno.remove(folder, { recursive: true });
});
