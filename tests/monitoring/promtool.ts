/** Prometheus's own checker, in Debian's package `prometheus`; tests without it say so and pass. */

/** Whether it is installed. */
export const hasPromtool = new Deno.Command("which", { args: ["promtool"], stdout: "null" })
  .outputSync().success;

if (!hasPromtool) console.log("skipped: promtool is not installed (Debian's package prometheus)");

/** Runs it. @returns What it prints; empty where all is well. */
export async function promtool(args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: [...args],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const output = child.output();
  await new Response(input).body?.pipeTo(child.stdin);
  const { success, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return success ? "" : decoder.decode(stdout) + decoder.decode(stderr);
}
