import { assert, assertEquals } from "@std/assert";
import { statusDocument } from "../../../lib/http/status_document.ts";
import { PHASES, type Status } from "../../../lib/lifecycle/status.ts";
import { test } from "../../test.ts";
import { blocksOf, read } from "../docs/_docs.ts";
import { ARN, GROUP, HEALTHY, Scene } from "./_http.ts";

/** Has each field that there is. */
const DRAINING: Status = {
  phase: "draining",
  inPhase: 41_000,
  uptime: 86_461_250,
  stopping: false,
  drainRequested: true,
  ready: false,
  groups: [{
    ...GROUP,
    membership: "draining",
    health: { state: "draining", reason: "Target.DeregistrationInProgress", age: 2_500 },
  }, {
    name: "kafka-internal",
    arn: ARN.replaceAll("kafka", "kafka-internal"),
    targetId: "10.0.0.1",
    membership: "unknown",
    error: "the target group does not exist any more",
  }],
  drain: { elapsed: 41_000, atLeast: 120_000, done: false },
  connections: 3,
  application: [{ url: "tcp://127.0.0.1:9092", ready: true }],
};

test("/status is the document that docs/http.md shows", async () => {
  await using scene = await Scene.start();
  scene.view.current = DRAINING;
  const response = await scene.fetch("/status");
  assertEquals(response.headers.get("content-type"), "application/json");
  const [example] = blocksOf("docs/http.md").filter(({ language }) => language === "json");
  const documented = JSON.parse(example?.text ?? "");
  assertEquals(await response.text(), JSON.stringify(documented, undefined, 2) + "\n");
});

test("what is not known is left out of /status", () => {
  const document = JSON.parse(JSON.stringify(statusDocument({
    ...HEALTHY,
    groups: [{ name: "kafka", arn: ARN, targetId: "10.0.0.1", membership: "absent" }],
  })));
  assertEquals(document.groups, [{
    name: "kafka",
    arn: ARN,
    target_id: "10.0.0.1",
    membership: "absent",
  }]);
  assertEquals(Object.hasOwn(document, "drain") || Object.hasOwn(document, "connections"), false);
});

test("docs/http.md tells of every phase and every field", () => {
  const page = read("docs/http.md");
  for (const phase of PHASES) assert(page.includes(`\`${phase}\``), phase);
  const document = JSON.parse(JSON.stringify(statusDocument(DRAINING)));
  for (const field of Object.keys(document)) {
    if (field !== "version") assert(page.includes(`| \`${field}\` `), field);
  }
});
