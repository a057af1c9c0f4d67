/** Everything that can be wrong with the input, and the message that it gets. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { publicPart } from "../../../lib/host/public_part.ts";
import { commandError } from "../../../lib/hooks/words.ts";
import { flag, type FlagName } from "../../../lib/config/flags.ts";
import { ARN, errorsOf } from "./_reading.ts";

const BAD_SYNTAX: readonly (readonly [readonly string[], string])[] = [
  [["-a b"], 'flag provided but not defined: -"a b"'],
  [
    ["-target-group=kafka"],
    "flag provided but not defined: -target-group " +
    "(did you mean -target-group-arn or -target-group-name?)",
  ],
  [
    ["-TargetID", "10.0.0.1"],
    "flag provided but not defined: -TargetID (did you mean -target-id?)",
  ],
  [
    ["kafka"],
    'unexpected argument "kafka": only flags are accepted, and everything from here on was ignored',
  ],
  [
    ["--", "-region"],
    'unexpected argument "-region": only flags are accepted, and everything from here on was ignored',
  ],
  [
    ["--wait-in-service", "no"],
    'unexpected argument "no": a boolean takes its value after =, as in -wait-in-service=false',
  ],
  [
    ["-pre-register-command", "-version", "no"],
    'unexpected argument "no": only flags are accepted, and everything from here on was ignored',
  ],
  [
    ["-require-in-service=yes"],
    'invalid boolean value "yes" for -require-in-service: parse error: a boolean is true or false',
  ],
];

for (const [args, message] of BAD_SYNTAX) {
  Deno.test(`readConfig() refuses ${args.join(" ")}`, () => {
    assertEquals(errorsOf(args), [message]);
  });
}

const DURATION = "parse error: a duration is a number with a unit, as in 300ms, 30s or 1h5m";
const PORT = "a port is a number from 1 to 65535";
const PAIR =
  "only one IPv4 and one IPv6 address can be combined: each goes to the groups of its type";
const ID = "a target ID is an IPv4 or IPv6 address, or an instance ID (i-…)";
const LISTEN =
  "an address to listen on looks like :8080, 127.0.0.1:8080 or [::1]:8080, with a port up to 65535";
const REGION = "a region's name looks like eu-west-1";
const ENDPOINT = "a URL looks like https://10.0.0.1:4566";
const NAME =
  "a target group name has up to 32 letters, digits and hyphens, and no hyphen at either end";
const ARN_FORM =
  "the ARN of a target group looks like arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID";
const WAIT_FOR =
  "an application's address looks like tcp://HOST:PORT or http://HOST:PORT/PATH (or https://…)";
const WEBHOOK = "a webhook's URL looks like http://HOST:PORT/PATH or https://HOST/PATH";
const NO_PATH = "a tcp address has no path: it is ready when it accepts connections";
const NO_CREDENTIALS = "it contains credentials, which a check of the application does not use";
/** A shell that reads no quotes. */
const QUOTE = "/bin/sh cannot parse it";
const SYSTEM = {
  commandError: (command: string) => /['"]/.test(command) ? QUOTE : undefined,
};

/** Texts that a flag does not take, by the reason. */
const BAD_VALUES: readonly (readonly [FlagName, Readonly<Record<string, readonly string[]>>])[] = [
  ["wait-in-service-timeout", {
    "parse error: a duration needs a unit, as in 30s or 30m": ["30"],
    [DURATION]: ["1d", ""],
    "it must not be negative": ["-1s", "-1ns"],
  }],
  ["wait-drained-timeout", { "it must be more than zero, as in 30s": ["0", "0s"] }],
  ["quic-server-id", {
    "a server ID is 0x and 16 digits of 0-9 and a-f, file:PATH, or derive": [
      ...["0x0123456789ABCDEF", "0123456789abcdef", "0x0123456789abcde", "file:", "derived", " "],
    ],
  }],
  ["target-port", {
    [`parse error: ${PORT}`]: ["http", "0x"],
    [`value out of range: ${PORT}`]: ["65536", "-1"],
  }],
  ["log-format", { "it must be one of text, json": ["xml"] }],
  ["log-level", { "it must be one of debug, info, warn, error": ["INFO"] }],
  ["target-id", {
    [PAIR]: ["10.0.0.1,10.0.0.2", "10.0.0.1,i-1234abcd", "::1,::2"],
    [ID]: [
      ...["kafka-0", "10.0.1", "256.0.0.1", "010.0.0.1", "10.0.0.1/32", "10.0.0.1.", " 10.0.0.1"],
      ...["1.2.3.4.5", "0x7f.0.0.1", "2130706433", "::1::", "[::1]", "fe80::1%eth0", "12345::"],
      ...["::1]:80/[", "i-12345", "i-0123456789ABCDEF0", "i-"],
    ],
    "the container's env does not declare POD_IPS, so Kubernetes did not expand it": ["$(POD_IPS)"],
  }],
  ["target-group-name", {
    [NAME]: ["my_group", "-kafka", "kafka-", "a".repeat(33)],
    [`its port is 65536; ${PORT}`]: ["edge:65536"],
    "use -target-group-arn for an ARN": [ARN],
  }],
  ["target-group-arn", {
    [`its port is 0; ${PORT}`]: [`${ARN}:0`],
    "use -target-group-name for a name": ["kafka"],
    [ARN_FORM]: [
      "arn:aws:iam::123456789012:role/kafka",
      ARN.replace("targetgroup", "loadbalancer/net"),
      "arn:aws:kafka",
      ARN.replace(":aws:", ":gcp:"),
      ARN.replace("eu-west-1", ""),
      ARN.replace("eu-west-1", "EU"),
      ARN.replace("123456789012", "12345"),
      ARN.replace("/73e2d6bc24d8a067", ""),
      ARN.replace("edge", "my_group"),
      `${ARN}/x`,
      `x${ARN}`,
    ],
  }],
  ["listen", {
    [LISTEN]: ["127.0.0.1", ":65536", "::1:8080", "[]:80"],
    "its host is not an IP address; leave it out to listen on all addresses": [
      "localhost:8080",
      "[::g]:8080",
    ],
  }],
  ["drain-allow", {
    "it must be an IP address or a range, as in 10.0.0.7 or 10.0.0.0/8": [
      ...["node-1", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "::1/x"],
    ],
  }],
  ["region", {
    [REGION]: ["eu west", "-", "EU"],
    "it looks like an Availability Zone: the region would be eu-west-1": ["eu-west-1a"],
    "it looks like an Availability Zone: the region would be us-west-2": ["us-west-2-lax-1a"],
  }],
  ["endpoint-url", {
    [ENDPOINT]: ["localhost:4566", "http://"],
    [`its scheme is ftp; ${ENDPOINT}`]: ["ftp://10.0.0.1"],
    "it contains credentials, which the API does not take from a URL": ["http://u:p@10.0.0.1"],
  }],
  ["wait-for", {
    [WAIT_FOR]: [
      ...["localhost:9092", "tcp:localhost:9092", "tcp://", " tcp://localhost:9092"],
      ...["http://local host/", "http:\\\\localhost/"],
    ],
    [`its scheme is udp; ${WAIT_FOR}`]: ["udp://localhost:53"],
    "it has no port, as in tcp://localhost:9092": ["tcp://localhost", "tcp://localhost:"],
    [`its host or port is invalid; ${WAIT_FOR}`]: [
      ...[
        "tcp://localhost:0",
        "http://localhost:0/",
        "tcp://localhost:65536",
        "http://h:99999999/",
      ],
      ...["tcp://::1:9092", "tcp://[::g]:1", "http://1.2.3.4.5:80/", "tcp://:9092"],
    ],
    [NO_CREDENTIALS]: ["tcp://u:p@localhost:9092", "http://u@localhost/"],
    [NO_PATH]: ["tcp://localhost:9092/healthz", "tcp://localhost:9092?x"],
  }],
  ["pre-register-url", {
    [WEBHOOK]: ["hooks.example/x", "https://", "http://hooks.example/a b", "file:///etc/passwd"],
    [`its scheme is tcp; ${WEBHOOK}`]: ["tcp://hooks.example:80"],
    [`its host or port is invalid; ${WEBHOOK}`]: ["http://hooks.example:0/", "http://[::1/"],
  }],
  ["pre-register-command", { [QUOTE]: ["echo 'it"] }],
  ["post-register-command", { [QUOTE]: ['"'] }],
  ["pre-deregister-command", { [QUOTE]: ["echo 'it"] }],
  ["post-deregister-command", { [QUOTE]: ["echo 'it"] }],
];

for (const [name, reasons] of BAD_VALUES) {
  Deno.test(`-${name} says of each text that it does not take why`, () => {
    for (const [reason, texts] of Object.entries(reasons)) {
      for (const text of texts) {
        const shown = JSON.stringify(flag(name).isUrl ? publicPart(text) : text);
        const message = `invalid value ${shown} for flag -${name}: ${reason}`;
        const needed = flag(name).needs === undefined ? [] : ["-listen=:0"];
        assertEquals(errorsOf([...needed, `-${name}=${text}`], undefined, SYSTEM), [message]);
      }
    }
  });
}

const ELSEWHERE = ARN.replace("eu-west-1", "us-east-1");
const OTHER_ACCOUNT = ARN.replace("123456789012", "210987654321");
const regions = (names: string) =>
  `the target groups and -region name several regions (${names}): a sidecar works in one region`;
const twice = (name: string) =>
  `target group ${name} is given twice with the same port: remove one of them`;

/** Flags that are valid one by one, and the message about them; none where they fit. */
const CONFLICTS: readonly (readonly [readonly string[], string?])[] = [
  [["-target-group-name=kafka", "-target-group-name=kafka"], twice("kafka")],
  [["-target-group-name=kafka:9092", "-target-group-name=kafka:9092"], twice("kafka")],
  [["-target-group-name=kafka:1", "-target-group-name=kafka:2"]],
  [[`-target-group-arn=${ARN}`, `-target-group-arn=${ARN}`], twice("edge")],
  [["-target-group-name=edge", `-target-group-arn=${ARN}`], twice("edge")],
  [[`-target-group-arn=${ARN}`, `-target-group-arn=${OTHER_ACCOUNT}`]],
  [[`-target-group-arn=${ARN}`, "-region=us-east-1"], regions("us-east-1, eu-west-1")],
  [
    [`-target-group-arn=${ARN}`, `-target-group-arn=${ELSEWHERE}`],
    regions("eu-west-1, us-east-1"),
  ],
  [
    ["-target-group-name=kafka", "-target-id=i-1234abcd", "-wait-idle", "-wait-drained"],
    "-wait-idle counts the pod's own connections: -target-id must be an IP address, not an instance",
  ],
  [
    ["-target-group-name=kafka", "-listen=:80", "-drain-token-required"],
    "-drain-token-required needs -drain-token-file: without it no client could call /drain",
  ],
  [
    ["-target-group-name=kafka", "-listen=:80", "-state-file=/state/drain"],
    "-state-file needs -pod-uid: set POD_UID from the Downward API (fieldRef metadata.uid)",
  ],
  // What has no effect without -listen is not checked.
  [["-target-group-name=kafka", "-drain-allow=node-1", "-drain-token-required"]],
  [["-target-group-name=kafka", "-state-file=/state/drain"]],
];

for (const [args, message] of CONFLICTS) {
  Deno.test(`readConfig() ${message === undefined ? "takes" : "refuses"} ${args.join(" ")}`, () => {
    assertEquals(errorsOf(args, { POD_IP: "10.0.0.1" }), message === undefined ? [] : [message]);
  });
}

/** A faulty URL, and what of it an error may show. */
const SHOWN: Readonly<Record<string, string>> = {
  "https://hooks.example:0/services/SECRET": "https://hooks.example:0…",
  "https://user:SECRET@hooks.example:0/": "https://…",
  "https://user:SECRET": "https://user…",
  "https://user:SEC/RET@hooks.example:0/": "https://…",
  "user:SECRET@hooks.example": "…",
  "https:/hooks.example/SECRET": "https:/hooks.example…",
  "hooks.example/SECRET": "hooks.example…",
  "http:\\\\hooks.example\\SECRET": "http:\\\\hooks.example…",
  "http://hooks.example:80?SECRET ": "http://hooks.example:80…",
  "localhost:8080": "localhost:8080",
};

Deno.test("errors show nothing of a faulty URL that may be a secret", () => {
  for (const [url, shown] of Object.entries(SHOWN)) {
    assertStringIncludes(
      errorsOf([`-pre-register-url=${url}`])[0] ?? "",
      `invalid value ${JSON.stringify(shown)} for flag -pre-register-url: `,
    );
  }
  const elsewhere = errorsOf(
    [
      "-region=https://u:SECRET@h/",
      "-pre-register-command=curl 'https://h/SECRET",
      "---x=SECRET",
      "https://u:SECRET@h",
    ],
    undefined,
    SYSTEM,
  );
  assertEquals(elsewhere.length, 4);
  assertEquals(elsewhere.filter((error) => error.includes("SECRET")), []);
});

Deno.test("readConfig() says how to give a target group and a target id where there is none", () => {
  const messages = [
    "no target group: set -target-group-name or -target-group-arn",
    "no target ID: set -target-id, or POD_IP from the Downward API (fieldRef status.podIP)",
  ];
  assertEquals(errorsOf([], {}), messages);
  assertEquals(errorsOf(["-target-group-name=", "-target-id="], { POD_IP: "" }), messages);
  assertEquals(errorsOf(["kafka", "10.0.0.1"], {}).slice(1), messages);
});

Deno.test("readConfig() does not call missing what an operand or -- kept from being read", () => {
  for (const args of [["-check", "false", "-target-group-name=kafka"], ["--", "-target-id=::"]]) {
    assertEquals(errorsOf(args, {}).length, 1);
  }
});

Deno.test("readConfig() reports all errors at once: syntax, values by flag, what is missing", () => {
  const args = [
    ...["-log-level=loud", "-nope", "-wait-in-service=no", "-help", "-resolve-timeout=x"],
    ...["-resolve-timeout=5s", "-target-id=nobody", "-wait-in-service-timeout"],
  ];
  const env = {
    NLB_REGISTRATOR_REGISTER_TIMEOUT: "soon",
    NLB_REGISTRATOR_WAIT_DRAINED: "maybe",
    NLB_REGISTRATOR_REGION: "-",
    NLB_REGISTRATOR_LOG_LEVEL: "not read, since the flag is given",
  };
  assertEquals(errorsOf(args, env), [
    "flag provided but not defined: -nope",
    "flag needs an argument: -wait-in-service-timeout",
    'invalid value "loud" for flag -log-level: it must be one of debug, info, warn, error',
    `invalid value "-" for environment variable NLB_REGISTRATOR_REGION: ${REGION}`,
    'invalid value "soon" for environment variable NLB_REGISTRATOR_REGISTER_TIMEOUT: ' + DURATION,
    `invalid value "x" for flag -resolve-timeout: ${DURATION}`,
    `invalid value "nobody" for flag -target-id: ${ID}`,
    'invalid boolean value "maybe" for environment variable NLB_REGISTRATOR_WAIT_DRAINED: ' +
    "parse error: a boolean is true or false",
    'invalid boolean value "no" for -wait-in-service: parse error: a boolean is true or false',
    "no target group: set -target-group-name or -target-group-arn",
  ]);
});

Deno.test("readConfig() shows a value with what is invisible in it, on one line", () => {
  assertEquals(errorsOf(["-region=a\n\t\u200b\u{e0001}\x00é"]), [
    `invalid value "a\\n\\t\\u200b\\udb40\\udc01\\u0000é" for flag -region: ${REGION}`,
  ]);
});

Deno.test("readConfig() refuses what takes a shell where there is none", () => {
  const withoutShell = (...commands: readonly string[]) =>
    errorsOf(commands.map((command) => `-pre-register-command=${command}`), undefined, {
      commandError: (command) => commandError(command, false),
    });
  assertEquals(withoutShell('echo "a" | cat'), [
    'invalid value "echo \\"a\\" | cat" for flag -pre-register-command: the image has no /bin/sh ' +
    'to run it, and "|" at character 10 means more to a shell: quote it if it is meant as it stands, ' +
    "otherwise use an image that has /bin/sh",
  ]);
  assertEquals(withoutShell("touch '/shared/is ready'"), []);
  assertEquals(errorsOf(["-pre-register-command=a | b"]), []);
});
