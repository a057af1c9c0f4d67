import { assertEquals } from "@std/assert";
import { validate as validateJob } from "kubernetes-models/schemas/IoK8sApiBatchV1Job";
import { readConfig } from "../../../lib/config/config.ts";
import type { Cycle } from "../../../deploy/measure/measure.ts";
import { read, tableAfter } from "./_docs.ts";
import { documentsOf, unknownFields } from "./_schemas.ts";

const JOB = "deploy/measure/job.yaml";

Deno.test(`${JOB}: Kubernetes knows every field, the sidecar and the program every flag`, () => {
  const [, job] = documentsOf(JOB);
  assertEquals(unknownFields(job, validateJob), []);
  const { initContainers: [sidecar], containers: [measure] } = job.spec.template.spec;
  const reading = readConfig(sidecar.args, { POD_IP: "10.0.0.1", HOST_IP: "10.0.0.2" });
  assertEquals(reading.kind === "run" && reading.warnings, []);
  const known = read("deploy/measure/measure.ts");
  const flags: string[] = measure.args.join(" ").match(/--(?!no-config)[a-z-]+/g);
  assertEquals(flags.filter((flag) => !known.includes(`("${flag}"`)), []);
});

/** Every field of a cycle, which TypeScript checks. */
const FIELDS: Readonly<Record<keyof Cycle, true>> = {
  ...{ registeredAt: true, firstConnectionAfter: true, readyAfter: true, deregisteredAt: true },
  ...{ lastConnectionAfter: true, drainedAfter: true, drained: true, arrivals: true },
  ...{ opened: true, failures: true },
};

Deno.test("docs/measure.md explains every field of the report", () => {
  const rows = tableAfter("docs/measure.md", "## The report").flatMap((cells) =>
    cells.join().match(/`[a-zA-Z]+`/g) ?? []
  );
  const named = new Set(rows.map((name) => name.slice(1, -1)));
  assertEquals(Object.keys(FIELDS).filter((name) => !named.has(name)), []);
});
