import { assert, assertEquals } from "@std/assert";
import { PHASES, type Status } from "../../../lib/lifecycle/status.ts";
import { test } from "../../test.ts";
import { blocksOf, read } from "../docs/_docs.ts";
import { ARN, GROUP, Scene } from "./_http.ts";

/** Has each field that there is. */
const DRAINING: Status = {
  version: 1,
  phase: "draining",
  in_phase_seconds: 41,
  uptime_seconds: 86_461.25,
  stopping: false,
  drain_requested: true,
  ready: false,
  groups: [{
    ...GROUP,
    membership: "draining",
    health: { state: "draining", reason: "Target.DeregistrationInProgress", age_seconds: 2.5 },
  }, {
    name: "kafka-internal",
    arn: ARN.replaceAll("kafka", "kafka-internal"),
    target_id: "10.0.0.1",
    // What is not known is left out.
    port: undefined,
    health: undefined,
    membership: "unknown",
    error: "the target group does not exist any more",
  }],
  drain: { elapsed_seconds: 41, at_least_seconds: 120, done: false },
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

test("docs/http.md tells of every phase and every field", () => {
  const page = read("docs/http.md");
  for (const phase of PHASES) assert(page.includes(`\`${phase}\``), phase);
  for (const field of Object.keys(DRAINING)) {
    if (field !== "version") assert(page.includes(`| \`${field}\` `), field);
  }
});
