import { assert, assertEquals } from "@std/assert";
import { validate as validateDeployment } from "kubernetes-models/schemas/IoK8sApiAppsV1Deployment";
import { validate as validateServiceAccount } from "kubernetes-models/schemas/IoK8sApiCoreV1ServiceAccount";
import { parseAllDocuments } from "yaml";
import { readConfig } from "../../../lib/config/config.ts";
import { parseDuration } from "../../../lib/host/duration.ts";
import { FLAGS } from "../../../lib/config/flags.ts";
import { blocksOf, read } from "./_docs.ts";

const MANIFEST = "deploy/sidecar-deployment.yaml";
const POLICY = "deploy/iam-policy.json";

type Validate = typeof validateDeployment & { errors?: unknown };

/** By kind, the validator that was made from the API's own schema. */
const SCHEMAS: Readonly<Record<string, Validate>> = {
  Deployment: validateDeployment,
  ServiceAccount: validateServiceAccount,
};

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
}

interface Deployment {
  readonly kind: "Deployment";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: unknown };
    readonly template: {
      readonly metadata: { readonly labels: unknown };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly Container[];
      };
    };
  };
}

function documents(): { readonly kind: string; readonly metadata: { readonly name: string } }[] {
  return parseAllDocuments(read(MANIFEST)).map((document) => {
    assertEquals([...document.errors, ...document.warnings], []);
    return document.toJS();
  });
}

function isDeployment(one: { readonly kind: string }): one is Deployment {
  return one.kind === "Deployment";
}

function deployment(): Deployment {
  const [found] = documents().filter(isDeployment);
  assert(found);
  return found;
}

function sidecar(): Container {
  const [found] = deployment().spec.template.spec.containers.filter(({ args }) => args);
  assert(found);
  return found;
}

/** The schemas allow fields that they do not know; the API server drops or refuses them. */
function unknownFields(value: unknown, validate: Validate): string[] {
  const seen = new Set<string>();
  const watched = watch(value, "", seen);
  assert(validate(watched), JSON.stringify(validate.errors));
  return leaves(value, "").filter((path) => !seen.has(path));
}

/** A copy that notes which of its fields are read: a validator reads those that it knows. */
function watch(value: unknown, path: string, seen: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, watch(field, `${path}/${key}`, seen)]),
  );
  return new Proxy(Array.isArray(value) ? Object.values(inner) : inner, {
    get: (target, key) => {
      if (typeof key === "string") seen.add(`${path}/${key}`);
      return Reflect.get(target, key);
    },
  });
}

function leaves(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, field]) => leaves(field, `${path}/${key}`));
}

Deno.test("the README shows the manifest and the policy as they are in deploy/", () => {
  const shown = blocksOf("README.md").map(({ text }) => text);
  for (const path of [MANIFEST, POLICY]) assert(shown.includes(read(path)), path);
});

for (const one of documents()) {
  Deno.test(`the manifest's ${one.kind} is one that Kubernetes knows every field of`, () => {
    const validate = SCHEMAS[one.kind];
    assert(validate, `a schema for ${one.kind}`);
    assertEquals(unknownFields(one, validate), []);
  });
}

Deno.test("unknownFields() finds a misspelt field", () => {
  const whole = deployment();
  const misspelt = { ...whole, spec: { ...whole.spec, minReadySecond: 1 } };
  assertEquals(unknownFields(misspelt, validateDeployment), ["/spec/minReadySecond"]);
});

Deno.test("the manifest's flags are flags of the sidecar, and nothing is odd about them", () => {
  const reading = readConfig(sidecar().args ?? [], { POD_IP: "10.0.0.1" });
  assert(reading.kind === "run", JSON.stringify(reading));
  assertEquals(reading.warnings, []);
  assertEquals(sidecar().env?.map(({ name }) => name), ["POD_IP"]);
});

Deno.test("the manifest's parts belong together", () => {
  const { selector, template } = deployment().spec;
  assertEquals(selector.matchLabels, template.metadata.labels);
  const [account] = documents().filter(({ kind }) => kind === "ServiceAccount");
  assertEquals(template.spec.serviceAccountName, account?.metadata.name);
});

Deno.test("the manifest's pod is a restricted one", () => {
  const { containers, securityContext } = deployment().spec.template.spec;
  assertEquals(securityContext.runAsNonRoot, true);
  assert(Number(securityContext.runAsUser) > 0);
  assertEquals(securityContext.seccompProfile, { type: "RuntimeDefault" });
  for (const container of containers) {
    assertEquals(container.securityContext?.allowPrivilegeEscalation, false);
    assertEquals(container.securityContext?.capabilities, { drop: ["ALL"] });
  }
});

function seconds(duration: string): number {
  return Number(parseDuration(duration) / 1_000_000_000n);
}

Deno.test("the manifest's grace period is enough for the sidecar and for the application", () => {
  const { containers, terminationGracePeriodSeconds } = deployment().spec.template.spec;
  const sleeps = containers.map(({ lifecycle }) => lifecycle?.preStop?.sleep?.seconds ?? 0);
  const own = seconds(FLAGS["pre-deregister-timeout"].default) +
    seconds(FLAGS["deregister-timeout"].default) + seconds(FLAGS["confirm-settle"].default) +
    seconds(FLAGS["post-deregister-timeout"].default);
  assertEquals(own, 45, "the README's figure");
  assert(terminationGracePeriodSeconds >= Math.max(own, ...sleeps.map((sleep) => sleep + 30)));
});

Deno.test("the IAM policy allows the four calls and nothing else", () => {
  const { Statement } = JSON.parse(read(POLICY));
  const allowed: Record<string, string> = Object.fromEntries(
    Statement.flatMap(({ Effect, Action, Resource }: Record<string, string | string[]>) => {
      assertEquals(Effect, "Allow");
      return [Action].flat().map((action) => [action, Resource]);
    }),
  );
  const group = /^arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[A-Za-z0-9-]+\/\*$/;
  assertEquals(Object.keys(allowed).sort(), callsOfThePort());
  for (const [action, resource] of Object.entries(allowed)) {
    // The API reference of IAM: describing calls know no resource.
    if (action.includes("Describe")) assertEquals(resource, "*");
    else assert(group.test(resource), resource);
  }
});

/** The calls that the sidecar's code can make. */
function callsOfThePort(): string[] {
  const calls = read("lib/aws/client.ts").matchAll(/new (\w+)Command\(/g);
  return [...calls].map(([, call]) => `elasticloadbalancing:${call}`).sort();
}
