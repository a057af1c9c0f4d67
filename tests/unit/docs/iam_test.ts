/**
 * What the policies of `deploy/` allow, by a simulation of IAM: Allow and Deny, wildcards and policy
 * variables in resources, and conditions by the operators that the policies use. It knows identity
 * policies and trust policies of one account; not service control policies, permission boundaries or
 * session policies, which can only take away.
 */
// @ts-types="./hcl2json.d.ts"
import { parse as parseHcl } from "@cdktf/hcl2json";
import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { read } from "./_docs.ts";

type Texts = string | readonly string[];

interface Statement {
  readonly Effect: string;
  readonly Action: Texts;
  readonly Resource?: Texts;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Texts>>>>;
}

/** A condition as Terraform has it. */
interface Condition {
  readonly test: string;
  readonly variable: string;
  readonly values: Texts;
}

/** A call, and all condition keys that IAM knows of it. */
interface Call {
  readonly action: string;
  readonly resource: string;
  readonly keys: Readonly<Record<string, string>>;
}

const listOf = (texts: Texts): readonly string[] => [texts].flat();

/** `*` and `?` in a pattern, whose variables were filled in. */
function isLike(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(text);
}

const OPERATORS: Readonly<Record<string, (value: string, text: string) => boolean>> = {
  StringEquals: (value, text) => value === text,
  StringLike: isLike,
};

/** A text with its variables; undefined where one has no value: then nothing matches. */
function filled(text: string, keys: Call["keys"]): string | undefined {
  const names = [...text.matchAll(/\$\{([^}]+)\}/g)].map(([, name = ""]) => name);
  if (names.some((name) => keys[name] === undefined)) return undefined;
  return text.replaceAll(/\$\{([^}]+)\}/g, (_, name) => keys[name] ?? "");
}

function applies({ Action, Resource = "*", Condition = {} }: Statement, call: Call): boolean {
  const matches = (texts: Texts, text: string, compare = isLike) =>
    listOf(texts).some((one) => {
      const value = filled(one, call.keys);
      return value !== undefined && compare(value, text);
    });
  const conditions = Object.entries(Condition).flatMap(([operator, wanted]) => {
    const compare = OPERATORS[operator];
    if (!compare) throw new Error(`operator ${operator} is not implemented`);
    // A key that the call does not have fails the condition.
    return Object.entries(wanted).map(([key, values]) => {
      const text = call.keys[key];
      return text !== undefined && matches(values, text, compare);
    });
  });
  return matches(Action, call.action) && matches(Resource, call.resource) &&
    conditions.every((holds) => holds);
}

/** Whether a policy allows a call: one statement allows it, and none denies it. */
function allows(policy: readonly Statement[], call: Call): boolean {
  const effects = policy.filter((one) => applies(one, call)).map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

const CLUSTER = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const GROUP =
  "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/edge/73e2d6bc24d8a067";

/** The tags that EKS Pod Identity gives to a session: eks/latest/userguide/pod-id-abac. */
function session(cluster: string, namespace: string, account: string): Record<string, string> {
  return {
    ...{ "eks-cluster-arn": cluster, "eks-cluster-name": cluster.split("/").at(-1) ?? "" },
    ...{ "kubernetes-namespace": namespace, "kubernetes-service-account": account },
    ...{ "kubernetes-pod-name": "edge-0", "kubernetes-pod-uid": "u" },
  };
}

function keysOf(prefix: string, tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]),
  );
}

const statements = (path: string): Statement[] => JSON.parse(read(path)).Statement;

/** CloudFormation's short forms stand for what they come to in a stack named after the tests. */
const PARAMETERS: Readonly<Record<string, string>> = {
  ...{ TargetGroup: GROUP, Namespace: "payments", ServiceAccount: "edge", ClusterName: "prod" },
  ...{ "AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333" },
};
const { Resources: stack } = parse(read("deploy/cloudformation/template.yaml"), {
  customTags: [
    { tag: "!Ref", resolve: (name: string) => PARAMETERS[name] ?? name },
    { tag: "!GetAtt", resolve: (name: string) => name },
    {
      tag: "!Sub",
      resolve: (text: string) =>
        text.replaceAll(/\$\{([^}]+)\}/g, (_, name) => PARAMETERS[name] ?? name),
    },
  ],
});

/** The statements of a Terraform policy document, with the values of its expressions. */
async function terraform(name: string): Promise<Statement[]> {
  const values: Readonly<Record<string, Texts>> = {
    "${[for group in aws_lb_target_group.this : group.arn]}": [GROUP],
    "${var.service_account.namespace}": "payments",
    "${var.service_account.name}": "edge",
    "system:serviceaccount:${var.service_account.namespace}:${var.service_account.name}":
      "system:serviceaccount:payments:edge",
  };
  const blocks = JSON.parse(
    JSON.stringify(await parseHcl("iam.tf", read("deploy/terraform/iam.tf"))),
  );
  const [body] = blocks.data.aws_iam_policy_document[name];
  const dynamic = (body.dynamic?.statement ?? []).flatMap(({ content }: { content: unknown }) =>
    content
  );
  const valued = (texts: Texts | undefined) =>
    texts === undefined ? "*" : listOf(texts).flatMap((text) => values[text] ?? text);
  return [...body.statement ?? [], ...dynamic].map(({ actions, resources, condition = [] }) => ({
    ...{ Effect: "Allow", Action: actions, Resource: valued(resources) },
    Condition: Object.fromEntries(
      [...Map.groupBy<string, Condition>(condition, ({ test }) => test)].map(([test, all]) => [
        test,
        Object.fromEntries(all.map(({ variable, values }) => [variable, valued(values)])),
      ]),
    ),
  }));
}

const OWN = keysOf("aws:ResourceTag", {
  "eks-cluster-arn": CLUSTER,
  "kubernetes-namespace": "payments",
});
const [{ PolicyDocument: inStack }] = stack.Role.Properties.Policies;
const ONE_GROUP: readonly (readonly [string, readonly Statement[]])[] = [
  ["deploy/iam-policy.json", statements("deploy/iam-policy.json")],
  ["deploy/cloudformation/template.yaml", inStack.Statement],
  ["deploy/terraform", await terraform("sidecar")],
];

for (const [name, policy] of ONE_GROUP) {
  Deno.test(`${name} allows changes of its own group and no other, and the Describe calls`, () => {
    const may = (action: string, resource: string) =>
      allows(policy, { action: `elasticloadbalancing:${action}`, resource, keys: {} });
    for (const action of ["RegisterTargets", "DeregisterTargets"]) {
      const other = GROUP.replace("/edge/", "/edge-2/");
      assertEquals([may(action, GROUP), may(action, other), may(action, "*")], [
        true,
        false,
        false,
      ]);
    }
    for (const action of ["Groups", "Health", "GroupAttributes"]) {
      assertEquals(may(`DescribeTarget${action}`, "*"), true);
    }
    for (const action of ["DeleteTargetGroup", "ModifyTargetGroup", "AddTags", "DescribeTags"]) {
      assertEquals(may(action, GROUP), false);
    }
  });
}

const SHARED = statements("deploy/iam-policy-shared.json");

for (
  const [who, principal, tags, expected] of [
    ["a pod of the group's namespace", session(CLUSTER, "payments", "edge"), OWN, true],
    ["another service account there", session(CLUSTER, "payments", "other"), OWN, true],
    ["a pod of another namespace", session(CLUSTER, "orders", "edge"), OWN, false],
    [
      "the same namespace of another cluster",
      session(`${CLUSTER}-2`, "payments", "edge"),
      OWN,
      false,
    ],
    ["a session without tags, as by IRSA", {}, OWN, false],
    ["a group without tags", session(CLUSTER, "payments", "edge"), {}, false],
    ["neither with tags", {}, {}, false],
    [
      "a group with the namespace's tag alone",
      session(CLUSTER, "payments", "edge"),
      { "aws:ResourceTag/kubernetes-namespace": "payments" },
      false,
    ],
    [
      "a namespace named like a pattern",
      session(CLUSTER, "*", "edge"),
      OWN,
      false,
    ],
  ] as const
) {
  Deno.test(`one role for all namespaces: ${who} ${expected ? "may" : "may not"} change the group's targets`, () => {
    for (const action of ["RegisterTargets", "DeregisterTargets"]) {
      const keys = { ...keysOf("aws:PrincipalTag", principal), ...tags };
      const call = { action: `elasticloadbalancing:${action}`, resource: GROUP, keys };
      assertEquals(allows(SHARED, call), expected);
      const foreign = { ...call, resource: GROUP.replace("111122223333", "444455556666") };
      assertEquals(allows(SHARED, foreign), false);
    }
  });
}

const TRUSTS: readonly (readonly [string, readonly Statement[], readonly boolean[]])[] = [
  ["deploy/iam-trust-shared.json", statements("deploy/iam-trust-shared.json"), [
    true,
    true,
    true,
    false,
  ]],
  [
    "deploy/cloudformation/template.yaml",
    stack.Role.Properties.AssumeRolePolicyDocument.Statement,
    [true, false, false, false],
  ],
  [
    "deploy/terraform",
    (await terraform("trust")).filter(({ Action }) => listOf(Action).includes("sts:TagSession")),
    [true, false, false, false],
  ],
];

for (const [name, trust, expected] of TRUSTS) {
  Deno.test(`${name} lets only its pods assume the role`, () => {
    const pods = [
      session(CLUSTER, "payments", "edge"),
      session(CLUSTER, "payments", "other"),
      session(CLUSTER, "orders", "edge"),
      {},
    ];
    for (const action of ["sts:AssumeRole", "sts:TagSession"]) {
      const may = pods.map((tags) =>
        allows(trust, { action, resource: "*", keys: keysOf("aws:RequestTag", tags) })
      );
      assertEquals(may, expected);
    }
  });
}

Deno.test("deploy/terraform lets only its service account assume the role by IRSA", async () => {
  const action = "sts:AssumeRoleWithWebIdentity";
  const trust = (await terraform("trust")).filter(({ Action }) => listOf(Action).includes(action));
  const may = (account: string, audience = "sts.amazonaws.com") => {
    const issuer = "${local.oidc_issuer}";
    const sub = `system:serviceaccount:${account}`;
    const keys = { [`${issuer}:sub`]: sub, [`${issuer}:aud`]: audience };
    return allows(trust, { action, resource: "*", keys });
  };
  assertEquals([may("payments:edge"), may("payments:other"), may("orders:edge")], [
    ...[true, false, false],
  ]);
  assertEquals(may("payments:edge", "kubernetes.default.svc"), false);
});

Deno.test("the groups that CloudFormation and Terraform make carry the tags of the shared policy", () => {
  const { TargetGroup } = stack;
  const tags = Object.fromEntries(
    TargetGroup.Properties.Tags.map(({ Key, Value }: Record<string, string>) => [Key, Value]),
  );
  assertEquals(keysOf("aws:ResourceTag", tags), OWN);
  const group = read("deploy/terraform/load_balancer.tf");
  const [, made = ""] = /tags = merge\(([\s\S]*?)\n {2}\)/.exec(group) ?? [];
  assertEquals((made.match(/"[a-z-]+"/g) ?? []).sort(), [
    '"eks-cluster-arn"',
    '"kubernetes-namespace"',
  ]);
});
