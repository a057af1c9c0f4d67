/** The bundle's stand-ins for parts of Node.js, against these parts themselves. */
import { assertEquals } from "@std/assert";
import * as nodeFs from "node:fs";
import * as nodeFsPromises from "node:fs/promises";
import * as nodePath from "node:path";
import nodeProcess from "node:process";
import * as fs from "../../../tools/bundle/node/fs.ts";
import * as fsPromises from "../../../tools/bundle/node/fs_promises.ts";
import * as path from "../../../tools/bundle/node/path.ts";
import { env } from "../../../tools/bundle/node/process.ts";
import { sidecarForm } from "../../../tools/sidecar_command.ts";

/** What the SDK joins: a home folder, however it is written, and names below it. */
const JOINED = [["/home/a", ".aws", "config"], ["/", ".aws"], ["/home/a/", "x"], ["a", "", "b"]];

Deno.test("join() and dirname() say what those of Node.js say", () => {
  for (const parts of JOINED) {
    const whole = path.join(...parts);
    assertEquals(whole, nodePath.join(...parts));
    assertEquals(path.dirname(whole), nodePath.dirname(whole));
  }
  assertEquals(path.dirname("x"), nodePath.dirname("x"));
});

/** What code can see of an error of the file system. */
function told(error: unknown): unknown {
  return error instanceof Error && "code" in error ? [error.code, error.message] : error;
}

for (const [what, file] of [["a missing file", "/nowhere/at/all"], ["a folder", "/"]] as const) {
  Deno.test(`reading ${what} fails as in Node.js`, async () => {
    const theirs = await nodeFsPromises.readFile(file, "utf8").catch(told);
    assertEquals(code(await fsPromises.readFile(file).catch(told)), code(theirs));
    assertEquals(code(caught(() => fs.readFileSync(file))), code(caught(() => read(file))));
  });
}

function read(file: string): string {
  return nodeFs.readFileSync(file, { encoding: "ascii" });
}

function caught(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return told(error);
  }
}

/** The SDK and the sidecar's own messages use the code, and the path in quotes. */
function code(told: unknown): unknown {
  return Array.isArray(told) ? told[0] : told;
}

Deno.test("the environment is read at each access", () => {
  const name = "STAND_INS_TEST";
  assertEquals([env[name], name in env], [nodeProcess.env[name], false]);
  Deno.env.set(name, "x");
  assertEquals([env[name], name in env], ["x", true]);
  Deno.env.delete(name);
  assertEquals(env[name], undefined);
});

Deno.test("sidecarForm() takes source, bundle and an absolute path, and nothing else", () => {
  assertEquals(["source", "bundle", "/a/b"].map(sidecarForm), ["source", "bundle", "/a/b"]);
  const refused = ["bundel", "a/b"].map((given) => {
    try {
      return sidecarForm(given);
    } catch {
      return "refused";
    }
  });
  assertEquals(refused, ["refused", "refused"]);
});
