import { assertEquals, assertMatch } from "@std/assert";
import { openStateFile } from "../../../lib/host/state_file.ts";
import { test } from "../../test.ts";
import { KeptLog } from "../kept_log.ts";

const folder = await Deno.makeTempDir({ prefix: "state_file_test_" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Opens the file as the next process of a pod does; `undefined`: a warning. */
function open(path: string, pod = "0c1e-44", log = new KeptLog()) {
  const warnings: string[] = [];
  const file = openStateFile({ path, pod }, log, (warning) => warnings.push(warning));
  return { file, warnings };
}

const fresh = () => `${folder}/${crypto.randomUUID()}`;

test("a drain is kept for the next process of the same pod, until it is undone", () => {
  const path = fresh();
  const seen: boolean[] = [];
  for (const write of [true, undefined, true, false, undefined]) {
    using file = open(path).file;
    seen.push(file?.wasDraining ?? false);
    if (write !== undefined) file?.keep(write);
  }
  assertEquals(seen, [false, true, true, true, false]);
});

test("what another pod has left is ignored, and so is what is no mark at all", () => {
  const path = fresh();
  using mine = open(path, "0c1e-4").file;
  mine?.keep(true);
  for (const [pod, isMine] of [["0c1e-44", false], ["0c1e-", false], ["0c1e-4", true]] as const) {
    using file = open(path, pod).file;
    assertEquals(file?.wasDraining, isMine, pod);
  }
  for (const text of ["draining", "draining 0c1e-4", "\n\n", "x".repeat(10_000), "\0".repeat(20)]) {
    Deno.writeTextFileSync(path, text);
    using file = open(path, "0c1e-4").file;
    assertEquals(file?.wasDraining, false, text.slice(0, 20));
    file?.keep(true);
    using next = open(path, "0c1e-4").file;
    assertEquals(next?.wasDraining, true, "written over it");
  }
});

test("a file that cannot be opened is a warning, and one that cannot be written an entry", () => {
  const { file, warnings } = open(`${folder}/nowhere/state`);
  assertEquals(file, undefined);
  assertMatch(
    warnings.join(),
    /^-state-file \/.*\/nowhere\/state cannot be opened \(.*, so a sidecar/,
  );
  const log = new KeptLog();
  using full = open("/dev/full", "0c1e-4", log).file;
  full?.keep(true);
  assertMatch(log.text, /warn failed to write the state file .*"file":"\/dev\/full"/);
});

test("a pipe in place of the file is a warning, and a long uid counts as a short one", async () => {
  const pipe = fresh();
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  assertMatch(open(pipe).warnings.join(), /cannot be opened \(it is a named pipe\)/);
  const [path, pod] = [fresh(), "x".repeat(300)];
  using first = open(path, pod).file;
  first?.keep(true);
  using next = open(path, pod).file;
  assertEquals(next?.wasDraining, true);
});
