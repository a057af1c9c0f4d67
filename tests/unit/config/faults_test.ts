import { assertEquals } from "@std/assert";
import { readConfig } from "../../../lib/config/config.ts";

/** All that a command line needs, in the environment: so each case below has one fault only. */
const GOOD = { NLB_REGISTRATOR_TARGET_GROUP_NAME: "kafka", POD_IP: "10.0.0.1" };

function faultsOf(args: readonly string[], env: Readonly<Record<string, string>> = GOOD) {
  const reading = readConfig(args, env);
  return reading.kind === "faults" ? reading.faults : [];
}

const ARN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/73e2d6bc24d8a067";
const EDGE = ARN.replace("kafka", "edge");
const LOOKS_LIKE =
  "the ARN of a target group looks like arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID";
const NAME_RULE =
  "a target group's name is up to 32 letters, digits and hyphens, and neither begins nor ends with a hyphen";
const TWICE = "this target group is given already, with the same port";
const PAIR_RULE =
  "several ids are one IPv4 and one IPv6 address: each goes to the groups of its type";
const LISTEN_RULE =
  "an address to listen on looks like :8080, 127.0.0.1:8080 or [::1]:8080, with a port up to 65535";
const ID_RULE = "a target's id is an IPv4 or IPv6 address, or an instance's id (i-…)";
const DURATION_RULE = "a duration is numbers with units, as in 300ms, 30s or 1h5m";
const PORT_RULE = "a port is a number from 1 to 65535";
const REGION_RULE = "a region's name looks like eu-west-1";
const URL_RULE = "a URL begins with http:// or https://, as in https://10.0.0.1:4566";

/** What is wrong, the command line, and the one sentence that it gets. */
const FAULTS: readonly (readonly [string, readonly string[], string])[] = [
  ["an unknown flag", ["-nope=1"], "flag provided but not defined: -nope"],
  ["an unknown flag and its value", ["-nope", "1"], "flag provided but not defined: -nope"],
  ["a missing value", ["-target-id"], "flag needs an argument: -target-id"],
  ["three dashes", ["---region"], "bad flag syntax: ---region"],
  ["a flag without a name", ["-=x"], "bad flag syntax: -=x"],
  [
    "an operand",
    ["kafka"],
    'unexpected argument "kafka": only flags are taken, and nothing from here on was read',
  ],
  [
    "an operand after --",
    ["--", "-region"],
    'unexpected argument "-region": only flags are taken, and nothing from here on was read',
  ],
  [
    "a boolean's value without =",
    ["--wait-in-service", "no"],
    'unexpected argument "no": a boolean takes its value after =, as in -wait-in-service=false',
  ],
  [
    "an operand after a value that looks like a boolean flag",
    ["-pre-register-command", "-version", "no"],
    'unexpected argument "no": only flags are taken, and nothing from here on was read',
  ],
  [
    "a bad boolean",
    ["-require-in-service=yes"],
    'invalid boolean value "yes" for -require-in-service: parse error: a boolean is true or false',
  ],
  [
    "a duration without a unit",
    ["-wait-in-service-timeout", "30"],
    'invalid value "30" for flag -wait-in-service-timeout: parse error: ' +
    "a duration needs a unit, as in 30s or 30m",
  ],
  [
    "a bad duration",
    ["-resolve-timeout=1d"],
    `invalid value "1d" for flag -resolve-timeout: parse error: ${DURATION_RULE}`,
  ],
  [
    "an empty duration",
    ["-confirm-settle="],
    `invalid value "" for flag -confirm-settle: parse error: ${DURATION_RULE}`,
  ],
  [
    "a negative timeout",
    ["-register-timeout=-1s"],
    'invalid value "-1s" for flag -register-timeout: it must not be negative',
  ],
  [
    "a timeout of zero",
    ["-deregister-timeout=0"],
    'invalid value "0" for flag -deregister-timeout: it must be more than zero, as in 30s',
  ],
  [
    "a negative settle time",
    ["-confirm-settle=-1ns"],
    'invalid value "-1ns" for flag -confirm-settle: it must not be negative',
  ],
  [
    "two targets of one address type",
    ["-target-id=10.0.0.1,10.0.0.2"],
    `invalid value "10.0.0.1,10.0.0.2" for flag -target-id: ${PAIR_RULE}`,
  ],
  [
    "an instance beside an address",
    ["-target-id=10.0.0.1,i-1234abcd"],
    `invalid value "10.0.0.1,i-1234abcd" for flag -target-id: ${PAIR_RULE}`,
  ],
  [
    "a group's port that is too high",
    ["-target-group-name=edge:65536"],
    'invalid value "edge:65536" for flag -target-group-name: ' +
    "its port is 65536; a port is a number from 1 to 65535",
  ],
  [
    "a group's port that is zero",
    [`-target-group-arn=${EDGE}:0`],
    `invalid value "${EDGE}:0" for flag -target-group-arn: ` +
    "its port is 0; a port is a number from 1 to 65535",
  ],
  [
    "an instance whose connections are to be looked at",
    ["-target-id=i-1234abcd", "-wait-idle", "-wait-drained"],
    'invalid value "i-1234abcd" for flag -target-id: ' +
    "-wait-idle sees the pod's own connections: it takes an IP address",
  ],
  [
    "an address to listen on that has no port",
    ["-listen=127.0.0.1"],
    `invalid value "127.0.0.1" for flag -listen: ${LISTEN_RULE}`,
  ],
  [
    "a port to listen on that is too high",
    ["-listen=:65536"],
    `invalid value ":65536" for flag -listen: ${LISTEN_RULE}`,
  ],
  [
    "a name to listen on",
    ["-listen=localhost:8080"],
    'invalid value "localhost:8080" for flag -listen: ' +
    "its host is not an IP address; leave it out to listen on all addresses",
  ],
  [
    "an IPv6 address to listen on without brackets",
    ["-listen=::1:8080"],
    `invalid value "::1:8080" for flag -listen: ${LISTEN_RULE}`,
  ],
  [
    "an address to allow that is none",
    ["-drain-allow=10.0.0.0/8"],
    'invalid value "10.0.0.0/8" for flag -drain-allow: it is neither an IPv4 nor an IPv6 address',
  ],
  [
    "a negative grace period",
    ["-grace-period=-1s"],
    'invalid value "-1s" for flag -grace-period: it must not be negative',
  ],
  [
    "a port that is no number",
    ["-target-port=http"],
    `invalid value "http" for flag -target-port: parse error: ${PORT_RULE}`,
  ],
  [
    "a port that is too high",
    ["-target-port=65536"],
    `invalid value "65536" for flag -target-port: value out of range: ${PORT_RULE}`,
  ],
  [
    "a negative port",
    ["-target-port=-1"],
    `invalid value "-1" for flag -target-port: value out of range: ${PORT_RULE}`,
  ],
  [
    "a bad choice of format",
    ["-log-format=xml"],
    'invalid value "xml" for flag -log-format: it must be one of text, json',
  ],
  [
    "a bad choice of level",
    ["-log-level=INFO"],
    'invalid value "INFO" for flag -log-level: it must be one of debug, info, warn, error',
  ],
  [
    "a group's name with a character that names do not have",
    ["-target-group-name=my_group"],
    `invalid value "my_group" for flag -target-group-name: ${NAME_RULE}`,
  ],
  [
    "a group's name that begins with a hyphen",
    ["-target-group-name=-kafka"],
    `invalid value "-kafka" for flag -target-group-name: ${NAME_RULE}`,
  ],
  [
    "a group's name that ends with a hyphen",
    ["-target-group-name=kafka-"],
    `invalid value "kafka-" for flag -target-group-name: ${NAME_RULE}`,
  ],
  [
    "a group's name of 33 characters",
    [`-target-group-name=${"a".repeat(33)}`],
    `invalid value "${"a".repeat(33)}" for flag -target-group-name: ${NAME_RULE}`,
  ],
  [
    "an ARN for a name",
    [`-target-group-name=${ARN}`],
    `invalid value "${ARN}" for flag -target-group-name: an ARN is given by -target-group-arn`,
  ],
  [
    "a name for an ARN",
    ["-target-group-arn=kafka"],
    'invalid value "kafka" for flag -target-group-arn: a name is given by -target-group-name',
  ],
  [
    "a malformed ARN",
    ["-target-group-arn=arn:aws:kafka"],
    `invalid value "arn:aws:kafka" for flag -target-group-arn: ${LOOKS_LIKE}`,
  ],
  [
    "an ARN of another service",
    ["-target-group-arn=arn:aws:iam::123456789012:role/kafka"],
    'invalid value "arn:aws:iam::123456789012:role/kafka" for flag -target-group-arn: ' +
    'it is an ARN of the service "iam", not of elasticloadbalancing',
  ],
  [
    "the ARN of a load balancer",
    [`-target-group-arn=${ARN.replace("targetgroup", "loadbalancer/net")}`],
    `invalid value "${ARN.replace("targetgroup", "loadbalancer/net")}" ` +
    'for flag -target-group-arn: it is the ARN of a "loadbalancer", not of a targetgroup',
  ],
  [
    "an address with too few numbers",
    ["-target-id=10.0.1"],
    `invalid value "10.0.1" for flag -target-id: ${ID_RULE}`,
  ],
  [
    "a host name",
    ["-target-id=kafka-0"],
    `invalid value "kafka-0" for flag -target-id: ${ID_RULE}`,
  ],
  [
    "a variable that Kubernetes did not put in",
    ["-target-id=$(POD_IPS)"],
    'invalid value "$(POD_IPS)" for flag -target-id: ' +
    "the container's env does not declare POD_IPS, so Kubernetes left it as it is",
  ],
  [
    "a region that is no host name",
    ["-region=eu west"],
    `invalid value "eu west" for flag -region: ${REGION_RULE}`,
  ],
  [
    "an endpoint without a scheme",
    ["-endpoint-url=localhost:4566"],
    `invalid value "localhost:4566" for flag -endpoint-url: ${URL_RULE}`,
  ],
  [
    "an endpoint that is no URL",
    ["-endpoint-url=http://"],
    `invalid value "http://" for flag -endpoint-url: ${URL_RULE}`,
  ],
  [
    "an endpoint of another scheme",
    ["-endpoint-url=ftp://10.0.0.1"],
    `invalid value "ftp://10.0.0.1" for flag -endpoint-url: ${URL_RULE}`,
  ],
  ...(["pre-register", "post-register", "pre-deregister", "post-deregister"] as const).map((
    event,
  ) =>
    [
      `an unterminated quote in the ${event} command`,
      [`-${event}-command=echo 'it`],
      `invalid value "echo 'it" for flag -${event}-command: a quote in it is opened and not closed`,
    ] as const
  ),
  [
    "a group that is named twice",
    ["-target-group-name=kafka", "-target-group-name=kafka"],
    `invalid value "kafka" for flag -target-group-name: ${TWICE}`,
  ],
  [
    "an ARN that is given twice",
    [`-target-group-arn=${EDGE}`, `-target-group-arn=${EDGE}`],
    `invalid value "${EDGE}" for flag -target-group-arn: ${TWICE}`,
  ],
  [
    "a group that is given by its name and by its ARN",
    [`-target-group-arn=${ARN}`],
    `invalid value "${ARN}" for flag -target-group-arn: ${TWICE}`,
  ],
  [
    "an ARN of another region than -region",
    ["-target-group-name=edge", `-target-group-arn=${ARN}`, "-region=us-east-1"],
    `invalid value "${ARN}" for flag -target-group-arn: its region is eu-west-1, ` +
    "and that of flag -region is us-east-1: a sidecar works in one region",
  ],
];

for (const [what, args, sentence] of FAULTS) {
  Deno.test(`readConfig() has one sentence for ${what}`, () => {
    assertEquals(faultsOf(args), [sentence]);
  });
}

const BROKEN_ARNS = [
  ["a bad partition", ARN.replace(":aws:", ":gcp:")],
  ["no region", ARN.replace("eu-west-1", "")],
  ["a region that is no host name", ARN.replace("eu-west-1", "EU")],
  ["a short account", ARN.replace("123456789012", "12345")],
  ["no id", ARN.replace("/73e2d6bc24d8a067", "")],
  ["a bad name", ARN.replace("kafka", "my_group")],
  ["something at the end", `${ARN}/x`],
  ["something in front", `x${ARN}`],
] as const;

for (const [what, arn] of BROKEN_ARNS) {
  Deno.test(`readConfig() refuses an ARN with ${what}`, () => {
    assertEquals(faultsOf([`-target-group-arn=${arn}`]), [
      `invalid value "${arn}" for flag -target-group-arn: ${LOOKS_LIKE}`,
    ]);
  });
}

const BAD_IDS = [
  "256.0.0.1",
  "010.0.0.1",
  "10.0.0.1/32",
  "10.0.0.1.",
  "1.2.3.4.5",
  "0x7f.0.0.1",
  "2130706433",
  "::1::",
  "[::1]",
  "fe80::1%eth0",
  "12345::",
  "::1]:80/[",
  "i-12345",
  "i-0123456789ABCDEF0",
  "i-",
  " 10.0.0.1",
] as const;

for (const id of BAD_IDS) {
  Deno.test(`readConfig() refuses the target id ${JSON.stringify(id)}`, () => {
    assertEquals(faultsOf([`-target-id=${id}`]), [
      `invalid value ${JSON.stringify(id)} for flag -target-id: ${ID_RULE}`,
    ]);
  });
}

Deno.test("readConfig() tells how to give a target group and a target id where there is none", () => {
  const sentences = [
    "no target group: give -target-group-name or -target-group-arn",
    "no target id: give -target-id, or set POD_IP from the Downward API (fieldRef status.podIP)",
  ];
  assertEquals(faultsOf([], {}), sentences);
  assertEquals(faultsOf(["-target-group-name=", "-target-id="], { POD_IP: "" }), sentences);
  assertEquals(faultsOf(["kafka", "10.0.0.1"], {}).slice(1), sentences);
});

Deno.test("readConfig() does not call missing what an operand kept from being read", () => {
  assertEquals(
    faultsOf(["-wait-in-service", "false", "-target-group-name=kafka"], {}),
    ['unexpected argument "false": a boolean takes its value after =, as in -wait-in-service=false'],
  );
});

Deno.test("readConfig() does not call missing what -- kept from being read", () => {
  assertEquals(faultsOf(["--", "-target-group-name=kafka"], {}), [
    'unexpected argument "-target-group-name=kafka": ' +
    "only flags are taken, and nothing from here on was read",
  ]);
});

Deno.test("readConfig() takes groups of one name in two accounts for two groups", () => {
  const other = ARN.replace("123456789012", "210987654321");
  const args = [`-target-group-arn=${ARN}`, `-target-group-arn=${other}`];
  assertEquals(faultsOf(args, { POD_IP: "10.0.0.1" }), []);
});

Deno.test("readConfig() holds ARNs against each other where no region is given", () => {
  const other = ARN.replace("eu-west-1", "us-east-1");
  assertEquals(
    faultsOf([`-target-group-arn=${ARN}`, `-target-group-arn=${other}`], { POD_IP: "10.0.0.1" }),
    [
      `invalid value "${other}" for flag -target-group-arn: its region is us-east-1, ` +
      "and that of another flag -target-group-arn is eu-west-1: a sidecar works in one region",
    ],
  );
});

Deno.test("readConfig() reports all faults at once, those of the syntax first and in order", () => {
  const args = [
    "-log-level=loud",
    "-nope",
    "-wait-in-service=no",
    "-target-port=0x",
    "-help",
    "-target-id=nobody",
    "-wait-in-service-timeout",
  ];
  const env = {
    NLB_REGISTRATOR_REGISTER_TIMEOUT: "soon",
    NLB_REGISTRATOR_REGION: "-",
    NLB_REGISTRATOR_POST_REGISTER_COMMAND: '"',
  };
  assertEquals(faultsOf(args, env), [
    'invalid value "loud" for flag -log-level: it must be one of debug, info, warn, error',
    "flag provided but not defined: -nope",
    'invalid boolean value "no" for -wait-in-service: parse error: a boolean is true or false',
    `invalid value "0x" for flag -target-port: parse error: ${PORT_RULE}`,
    "flag needs an argument: -wait-in-service-timeout",
    'invalid value "soon" for environment variable NLB_REGISTRATOR_REGISTER_TIMEOUT: ' +
    `parse error: ${DURATION_RULE}`,
    `invalid value "nobody" for flag -target-id: ${ID_RULE}`,
    `invalid value "-" for environment variable NLB_REGISTRATOR_REGION: ${REGION_RULE}`,
    'invalid value "\\"" for environment variable NLB_REGISTRATOR_POST_REGISTER_COMMAND: ' +
    "a quote in it is opened and not closed",
    "no target group: give -target-group-name or -target-group-arn",
  ]);
});

Deno.test("readConfig() checks each of a repeated flag's values, as Go does", () => {
  assertEquals(faultsOf(["-resolve-timeout=x", "-resolve-timeout=5s"]), [
    `invalid value "x" for flag -resolve-timeout: parse error: ${DURATION_RULE}`,
  ]);
});

Deno.test("readConfig() shows a value with what is invisible in it, on one line", () => {
  assertEquals(faultsOf(["-region=a\n\t\u200b\u{e0001}\x00é"]), [
    `invalid value "a\\n\\t\\u200b\\U000e0001\\x00é" for flag -region: ${REGION_RULE}`,
  ]);
});
