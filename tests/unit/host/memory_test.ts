import { assert, assertEquals } from "@std/assert";
import { outputOf } from "../../../tools/process.ts";
import { V8_FLAGS } from "../../../tools/v8_flags.ts";

/** By how many bytes V8's heap gets smaller. */
async function givenBack(...options: readonly string[]): Promise<number> {
  const program = new URL("programs/gives_memory_back.ts", import.meta.url).pathname;
  const args = ["run", "--quiet", "--no-config", "--no-prompt", ...options, program];
  return Number(await outputOf(Deno.execPath(), args));
}

Deno.test("started as it is shipped, the sidecar gives back memory that it does not use", async () => {
  assert(await givenBack(V8_FLAGS) > 1_000_000);
});

Deno.test("without V8's option to collect, nothing happens", async () => {
  assertEquals(await givenBack(), 0);
});
