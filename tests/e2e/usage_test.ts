/** Bad input: everything at once, exit 2, and nothing is touched. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startEmulator } from "../emulator/server.ts";
import { sidecarForm } from "../../tools/sidecar_command.ts";
import { SidecarProcess } from "./sidecar_process.ts";
import { sideBySide } from "./side_by_side.ts";

/** Runs the sidecar with just these arguments, and an API at hand that it must not call. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
  await using sidecar = new SidecarProcess({ args, env: { ...emulator.environment, ...env } });
  const end = await sidecar.ended();
  assertEquals(emulator.events, [], "it touched the API");
  return { ...end, text: end.log.join("\n") };
}

/** A copy of the bundle that lacks the file with the program: `main.js` loads it at its start. */
async function runBroken() {
  const dist = new URL("../../dist/", import.meta.url).pathname;
  const folder = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir(dist)) {
    if (!name.startsWith("program-")) await Deno.copyFile(dist + name, `${folder}/${name}`);
  }
  const args = ["run", "--quiet", "-A", "--no-config", "--no-lock", `${folder}/main.js`];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  await Deno.remove(folder, { recursive: true });
  return { code, text: new TextDecoder().decode(stderr) };
}

sideBySide([
  ...(sidecarForm() !== "bundle" ? [] : [{
    name: "a program that cannot be loaded: exit 1, and the error on stderr",
    run: async () => {
      const { code, text } = await runBroken();
      assertEquals(code, 1);
      assertMatch(text, /^unexpected error: TypeError: .*not found/i);
    },
  }]),
  {
    name: "all errors are reported at once, and in the termination log",
    run: async () => {
      const file = await Deno.makeTempFile();
      const { code, text } = await run([
        "-nope",
        "-target-id=pod-1",
        "-wait-in-service=maybe",
        "-wait-in-service-timeout=30",
        "-register-timeout=-1s",
        "-pre-register-command=echo 'unterminated",
        `-termination-log=${file}`,
        "-target-group-name",
      ]);
      assertEquals(code, 2);
      const sentences = [
        "flag provided but not defined: -nope",
        'invalid boolean value "maybe" for -wait-in-service: parse error',
        'invalid value "30" for flag -wait-in-service-timeout: parse error',
        'invalid value "-1s" for flag -register-timeout',
        'invalid value "pod-1" for flag -target-id',
        'invalid value "echo \'unterminated" for flag -pre-register-command',
        "flag needs an argument: -target-group-name",
      ];
      const written = await Deno.readTextFile(file);
      for (const sentence of sentences) {
        assertStringIncludes(text, sentence);
        assertStringIncludes(written, sentence);
      }
      assertMatch(text, /\nrun with -h for usage$/);
      assert(!text.includes("Usage of"), "the usage text hides the errors");
      await Deno.remove(file);
    },
  },
  {
    name: "-h prints the usage to stderr and exits 0",
    run: async () => {
      const { code, text, stdout } = await run(["-h"]);
      assertEquals(code, 0);
      assertEquals(stdout, "");
      assertStringIncludes(text, "  -wait-in-service-timeout duration");
    },
  },
  {
    name: "-version prints the version to stdout and exits 0",
    run: async () => {
      const { code, stdout } = await run(["-version"]);
      assertEquals(code, 0);
      assertMatch(stdout, /^k8s-nlb-registrator-sidecar \d+\.\d+\.\d+ \((commit \w+, )?deno \d/);
    },
  },
]);
