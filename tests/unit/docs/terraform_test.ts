// @ts-types="./hcl2json.d.ts"
import { parse } from "@cdktf/hcl2json";
import { assert, assertEquals } from "@std/assert";
import { readConfig } from "../../../lib/config/config.ts";
import { read, urlOf } from "./_docs.ts";

const FILES = [...Deno.readDirSync(urlOf("deploy/terraform/"))]
  .map(({ name }) => name).filter((name) => name.endsWith(".tf")).sort();
const TEXT = FILES.map((name) => read(`deploy/terraform/${name}`)).join("\n");

/** The blocks of all files: kind, then labels, then a list of bodies. */
const blocks = await parse("all.tf", TEXT);

/** The first body of a block, as text: values are checked in it by their own spelling. */
function bodyOf(kind: string, type: string, name: string): string {
  const text = JSON.stringify(blocks[kind]?.[type]);
  assert(text, `${kind} ${type}`);
  const { [name]: body } = JSON.parse(text);
  assert(Array.isArray(body), `${kind} ${type} ${name}`);
  return JSON.stringify(body[0]);
}

function assertHas(body: string, parts: readonly string[]): void {
  assertEquals(parts.filter((part) => !body.includes(part)), []);
}

Deno.test("Terraform makes what the sidecar needs, and registers no target itself", () => {
  assertEquals(Object.keys(blocks["resource"] ?? {}).sort(), [
    "aws_eks_pod_identity_association",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_lb",
    "aws_lb_listener",
    "aws_lb_target_group",
    "aws_security_group",
    "aws_vpc_endpoint_service",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
  ]);
});

Deno.test("the Terraform names that are used are declared", () => {
  const { variable = {}, resource = {}, data = {} } = blocks;
  const text = TEXT.replaceAll(/#.*$/gm, "");
  const variables = new Set([...text.matchAll(/\bvar\.(\w+)/g)].map(([, name = ""]) => name));
  assertEquals([...variables].sort(), Object.keys(variable).sort());
  const uses = [...text.matchAll(/\b(aws_\w+)\.(\w+)/g)].map(([use]) => use);
  const declared = Object.entries({ ...data, ...resource }).flatMap(([type, named]) =>
    Object.keys(Object(named)).map((name) => `${type}.${name}`)
  );
  assertEquals(uses.filter((use) => !declared.includes(use)), []);
});

Deno.test("Terraform's target groups take addresses, and let connections end", () => {
  assertHas(bodyOf("resource", "aws_lb_target_group", "this"), [
    '"target_type":"ip"',
    '"connection_termination":false',
    '"enable_unhealthy_connection_termination":false',
    '"interval":5',
  ]);
});

/** `HealthCheckTimeoutSeconds` in the API: less than the interval; for TCP its default is 10. */
Deno.test("Terraform's health check has a timeout that AWS accepts, and no group resists a destroy", () => {
  const group = bodyOf("resource", "aws_lb_target_group", "this");
  const [{ interval, timeout }] = JSON.parse(group).health_check;
  assert(timeout >= 2 && timeout < interval, `${timeout} of ${interval}`);
  assert(!TEXT.includes("prevent_destroy"));
});

Deno.test("Terraform asks for a provider that knows every argument", () => {
  const [{ required_providers: [{ aws }] }] = JSON.parse(JSON.stringify(blocks["terraform"]));
  const [, major, minor] = />= (\d+)\.(\d+)/.exec(aws.version) ?? [];
  // Its change log: 5.62.0 added unhealthy_draining_interval.
  assert(Number(major) * 1_000 + Number(minor) >= 5_062, aws.version);
});

Deno.test("Terraform's output `flags` is what the sidecar takes", () => {
  const [, value = ""] = /output "flags" \{[\s\S]*?: "(.*?)"\]/.exec(TEXT) ?? [];
  const flag = value.replace("${group.name}", "edge-tls").replace("${group.port}", "8443");
  const reading = readConfig([flag, "-target-id=10.0.0.1"], {});
  assert(reading.kind === "run");
  assertEquals(reading.config.groups, [{ by: "name", name: "edge-tls", port: 8443 }]);
});
