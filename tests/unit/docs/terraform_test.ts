// @ts-types="./hcl2json.d.ts"
import { parse } from "@cdktf/hcl2json";
import { assert, assertEquals } from "@std/assert";
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
    '"connection_termination":true',
    '"enable_unhealthy_connection_termination":false',
    '"interval":5',
    '"prevent_destroy":true',
  ]);
});

Deno.test("Terraform's role may do what the policy of deploy/ allows, and nothing else", () => {
  const document = bodyOf("data", "aws_iam_policy_document", "sidecar");
  const { Statement } = JSON.parse(read("deploy/iam-policy.json"));
  const allowed = Statement.flatMap(({ Action }: { Action: string | string[] }) => Action);
  assertEquals((document.match(/elasticloadbalancing:\w+/g) ?? []).sort(), allowed.sort());
  assertEquals(document.match(/"\*"/g)?.length, 1);
});

Deno.test("Terraform's trust is for one service account, by IRSA and by Pod Identity", () => {
  assertHas(bodyOf("data", "aws_iam_policy_document", "trust"), [
    "sts:AssumeRoleWithWebIdentity",
    "system:serviceaccount:${var.service_account.namespace}:${var.service_account.name}",
    ":aud",
    "pods.eks.amazonaws.com",
    "sts:TagSession",
  ]);
});
