/** The first steps of docs/apply.md, in a shell, from a clone to a manifest of an application. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { test } from "../test.ts";
import { commandsOf, read, urlOf } from "../unit/docs/_docs.ts";
import { assertCallsTheSidecar, partsOf, runOf, unknownTo } from "../unit/docs/_manifests.ts";

const PAGE = "docs/apply.md";
const SOURCE = "https://github.com/OWNER/k8s-nlb-registrator-sidecar.git";

/** Those of the block that is marked, with this checkout and this Deno in the place of others. */
function steps(): string[] {
  const from = read(PAGE).indexOf("<!-- first steps:");
  const block = read(PAGE).slice(from, read(PAGE).indexOf("```\n", from)).split("\n");
  return commandsOf(PAGE).filter((line) => block.includes(line))
    .map((line) => line.replace(SOURCE, `"${urlOf("").pathname}" k8s-nlb-registrator-sidecar`))
    .map((line) => line.replace("npx -y deno@2.9.6", `"${Deno.execPath()}"`));
}

const hasKubectl = new Deno.Command("sh", { args: ["-c", "command -v kubectl"] })
  .outputSync().success;

test("ten commands at most lead to a drained rollout and to a manifest", async () => {
  const lines = steps();
  assert(lines.length >= 5 && lines.length <= 10, lines.join("\n"));
  const folder = await Deno.makeTempDir();
  const { stdout, stderr, success } = await new Deno.Command("bash", {
    args: ["-ec", lines.toSpliced(-1, 0, "echo; echo ---").join("\n")],
    cwd: folder,
    // The clone has no bundle.
    env: { NO_COLOR: "1", SIDECAR: "source" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder().decode(stdout);
  assert(success, text + new TextDecoder().decode(stderr));
  assertMatch(text, /native-sidecar: 0 of \d+ connections failed/);
  const manifests = parseAllDocuments(text.slice(text.indexOf("\n---\n")))
    .map((document) => document.toJS());
  for (const one of manifests) assertEquals(unknownTo(one), []);
  const workload = partsOf(manifests.find(({ kind }) => kind === "Deployment"));
  assertEquals(workload.whole.metadata.name, "orders");
  const run = runOf(workload, manifests.find(({ kind }) => kind === "ConfigMap").data);
  assertCallsTheSidecar(workload, run.service?.listen.port ?? 0);
  assertEquals(run.groups.map((group) => "name" in group && group.name), ["orders"]);
}, { limit: 300_000, ignore: !hasKubectl });
