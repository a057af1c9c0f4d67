import { assert, assertEquals } from "@std/assert";
import { cluster, container, deployment, nth } from "./_cluster.ts";

async function messageOf(script: string, more: Record<string, unknown> = {}): Promise<string> {
  await using world = cluster();
  world.apply(deployment({ containers: [container("main", script, more)] }));
  const exited = await nth(world, "exited");
  assert(exited.kind === "exited");
  return exited.message;
}

Deno.test("a container's last word is in the file at terminationMessagePath, 4096 bytes of it", async () => {
  assertEquals(await messageOf("echo -n bye > /dev/termination-log; exit 1"), "bye");
  const path = { terminationMessagePath: "/my/word" };
  const long = await messageOf("head -c 5000 /dev/zero | tr '\\0' x > /my/word", path);
  assertEquals(long, "x".repeat(4_096));
});

Deno.test("FallbackToLogsOnError takes the end of the log after a failure without a message", async () => {
  const policy = { terminationMessagePolicy: "FallbackToLogsOnError" };
  assertEquals(await messageOf("echo one; echo two >&2; exit 1", policy).then(sorted), "one two");
  assertEquals(await messageOf("echo one; exit 0", policy), "");
  assertEquals(await messageOf("echo one; exit 1"), "");
  const many = await messageOf("seq 100; exit 1", policy);
  assertEquals(many.split("\n").length, 80);
});

/** Which of two streams is read first is nobody's promise. */
function sorted(lines: string): string {
  return lines.split("\n").sort().join(" ");
}
