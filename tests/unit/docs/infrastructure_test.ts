// @ts-types="./hcl2json.d.ts"
import { parse as parseTerraform } from "@cdktf/hcl2json";
import { assert, assertEquals } from "@std/assert";
import { validate as validateDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { parse } from "yaml";
import { ENVIRONMENT_PREFIX } from "../../../lib/config/flags.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { read, urlOf } from "./_docs.ts";

const TERRAFORM = [...Deno.readDirSync(urlOf("deploy/terraform/"))]
  .map(({ name }) => name).filter((name) => name.endsWith(".tf")).sort();

/** The blocks of all files: kind, then labels, then a list of bodies. */
type Blocks = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

async function terraform(): Promise<Blocks> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const name of TERRAFORM) {
    const blocks: Blocks = await parseTerraform(name, read(`deploy/terraform/${name}`));
    for (const [kind, body] of Object.entries(blocks)) {
      if (Array.isArray(body)) continue;
      for (const [type, named] of Object.entries(body)) {
        all[kind] ??= {};
        const before = all[kind][type];
        all[kind][type] = typeof before === "object" ? Object.assign({}, before, named) : named;
      }
    }
  }
  return all;
}

/** The first body of a block, as text: values are checked in it by their own spelling. */
async function bodyOf(kind: string, type: string, name: string): Promise<string> {
  const text = JSON.stringify((await terraform())[kind]?.[type]);
  assert(text, `${kind} ${type}`);
  const { [name]: body } = JSON.parse(text);
  assert(Array.isArray(body), `${kind} ${type} ${name}`);
  return JSON.stringify(body[0]);
}

Deno.test("the Terraform files are HCL that Terraform's own parser reads", async () => {
  assert(TERRAFORM.length > 3);
  const { resource = {} } = await terraform();
  assertEquals(Object.keys(resource).sort(), [
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

Deno.test("the Terraform names that are used are declared", async () => {
  const { variable = {}, resource = {}, data = {} } = await terraform();
  const text = TERRAFORM.map((name) => read(`deploy/terraform/${name}`)).join("\n")
    .replaceAll(/#.*$/gm, "");
  const variables = [...text.matchAll(/\bvar\.(\w+)/g)].map(([, name = ""]) => name);
  assertEquals(variables.filter((name) => !Object.hasOwn(variable, name)), []);
  assertEquals(Object.keys(variable).filter((name) => !variables.includes(name)), []);
  const uses = [...text.matchAll(/\b(aws_\w+)\.(\w+)/g)].map(([use]) => use);
  const declared = Object.entries({ ...data, ...resource }).flatMap(([type, named]) =>
    Object.keys(Object(named)).map((name) => `${type}.${name}`)
  );
  assertEquals(uses.filter((use) => !declared.includes(use)), []);
});

Deno.test("Terraform's target groups take addresses, and let connections end", async () => {
  const group = await bodyOf("resource", "aws_lb_target_group", "this");
  for (
    const setting of [
      '"target_type":"ip"',
      '"connection_termination":true',
      '"enable_unhealthy_connection_termination":false',
      '"interval":5',
      '"prevent_destroy":true',
    ]
  ) assert(group.includes(setting), setting);
});

Deno.test("no Terraform resource owns a target: the sidecars do", () => {
  const text = TERRAFORM.map((name) => read(`deploy/terraform/${name}`)).join("\n");
  assertEquals(/^resource "aws_lb_target_group_attachment"/m.test(text), false);
});

Deno.test("Terraform's role may do what the policy of deploy/ allows, and nothing else", async () => {
  const document = await bodyOf("data", "aws_iam_policy_document", "sidecar");
  const { Statement } = JSON.parse(read("deploy/iam-policy.json"));
  const allowed = Statement.flatMap(({ Action }: { Action: string | string[] }) => Action);
  assertEquals((document.match(/elasticloadbalancing:\w+/g) ?? []).sort(), allowed.sort());
  assertEquals(document.match(/"\*"/g)?.length, 1);
});

Deno.test("Terraform's trust is for one service account, by IRSA and by Pod Identity", async () => {
  const trust = await bodyOf("data", "aws_iam_policy_document", "trust");
  for (
    const part of [
      "sts:AssumeRoleWithWebIdentity",
      "system:serviceaccount:${var.service_account.namespace}:${var.service_account.name}",
      ":aud",
      "pods.eks.amazonaws.com",
      "sts:TagSession",
    ]
  ) assert(trust.includes(part), part);
});

function yaml(path: string): ReturnType<typeof parse> {
  return parse(read(`deploy/kustomize/${path}`));
}

Deno.test("the kustomize component and its example refer to files that exist", () => {
  const component = yaml("component/kustomization.yaml");
  const example = yaml("example/kustomization.yaml");
  assertEquals(component.kind, "Component");
  for (const { path } of component.patches) assert(yaml(`component/${path}`));
  for (const path of example.resources) assert(yaml(`example/${path}`));
  assertEquals(example.components, ["../component"]);
  const [{ name }] = example.configMapGenerator;
  const [sidecar] = yaml("component/sidecar.yaml").spec.template.spec.initContainers;
  assertEquals(sidecar.envFrom, [{ configMapRef: { name } }]);
});

Deno.test("the component finds the example's Deployment, and makes a whole one of it", () => {
  for (const { target } of yaml("component/kustomization.yaml").patches) {
    const [key, value] = target.labelSelector.split("=");
    assertEquals(yaml("example/deployment.yaml").metadata.labels[key], value);
  }
  assert(validateDeployment(merged()));
});

/** What kustomize makes: fields of the patch are added, and so are containers of other names. */
function merged(): ReturnType<typeof parse> {
  const deployment = yaml("example/deployment.yaml");
  const patch = yaml("component/sidecar.yaml");
  const [{ op, path, value }] = yaml("component/drain.yaml");
  assertEquals([op, path], ["add", "/spec/template/spec/containers/0/lifecycle"]);
  const { template, ...spec } = deployment.spec;
  const { template: added, ...addedSpec } = patch.spec;
  const [application, ...others] = template.spec.containers;
  const pod = {
    ...template.spec,
    ...added.spec,
    containers: [{ ...application, lifecycle: value }, ...others],
  };
  return { ...deployment, spec: { ...spec, ...addedSpec, template: { ...template, spec: pod } } };
}

Deno.test("the component's probes and hook call the port that its sidecar listens on", () => {
  const { initContainers: [sidecar], containers: [application] } = merged().spec.template.spec;
  const calls = [
    sidecar.startupProbe,
    sidecar.readinessProbe,
    application.lifecycle.preStop,
  ].map(({ httpGet }) => `${httpGet.port}${httpGet.path}`);
  assertEquals(calls, ["8081/startupz", "8081/readyz", "8081/drain"]);
  assert(sidecar.args.includes("-listen=:8081"));
  assertEquals(sidecar.restartPolicy, "Always");
});

Deno.test("the example's settings are flags of the sidecar, and nothing is odd about them", () => {
  const [{ literals }] = yaml("example/kustomization.yaml").configMapGenerator;
  const env = Object.fromEntries(literals.map((literal: string) => literal.split("=")));
  assert(Object.keys(env).every((name) => name.startsWith(ENVIRONMENT_PREFIX)));
  const [{ args }] = yaml("component/sidecar.yaml").spec.template.spec.initContainers;
  const pod = { POD_IP: "10.0.0.1", HOST_IP: "10.0.1.1" };
  const reading = readConfig(args, { ...pod, ...env });
  assert(reading.kind === "run", JSON.stringify(reading));
  assertEquals(reading.warnings, []);
});
