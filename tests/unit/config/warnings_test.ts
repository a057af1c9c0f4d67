import { assertEquals } from "@std/assert";
import { NEEDED_VARIABLES, run, type Variables } from "./_reading.ts";

const KUBELET =
  "the kubelet is not allowed to call /drain: set HOST_IP from the Downward API (fieldRef " +
  "status.hostIP), or use -drain-allow or -drain-token-file";

/** What is given, and the one warning that it gets; none where that is left out. */
const CASES: readonly (readonly [string, readonly string[], Variables, string?])[] = [
  [
    "a required wait that is switched off",
    ["-require-in-service", "-wait-in-service=0"],
    {},
    "-require-in-service has no effect with -wait-in-service=false: remove one of them",
  ],
  [
    "variables that no flag reads",
    [],
    { NLB_REGISTRATOR_TARGET: "x", NLB_REGISTRATOR_LOGLEVEL: "debug", HOME: "/" },
    "no flag reads the environment variable NLB_REGISTRATOR_LOGLEVEL, NLB_REGISTRATOR_TARGET: " +
    "see -h",
  ],
  [
    "a variable that no flag reads",
    [],
    { NLB_REGISTRATOR_TARGETID: "x" },
    "no flag reads the environment variable NLB_REGISTRATOR_TARGETID: see -h",
  ],
  [
    "a secret key without its access key",
    [],
    { AWS_SECRET_ACCESS_KEY: "SECRET", AWS_ACCESS_KEY_ID: "" },
    "AWS_SECRET_ACCESS_KEY has no effect without AWS_ACCESS_KEY_ID: set both, or neither",
  ],
  ["a pair of keys", [], { AWS_SECRET_ACCESS_KEY: "SECRET", AWS_ACCESS_KEY_ID: "AKIA" }],
  [
    "a drain that the grace period cuts off",
    ["-wait-drained", "-grace-period=3m4s"],
    {},
    "-min-drain-time 3m0s does not fit into -grace-period 3m4s, of which 5s are " +
    "reserved for the exit: the kubelet will kill the pod before its target is drained",
  ],
  ["a drain that just fits", ["-wait-drained", "-grace-period=3m5s"], {}],
  [
    "a wait that is over too early",
    ["-wait-drained", "-wait-drained-timeout=3m"],
    {},
    "-wait-drained-timeout 3m0s is not longer than -min-drain-time 3m0s: no drain can end in time",
  ],
  ["the same without a drain", ["-wait-drained-timeout=2m", "-grace-period=1s"], {}],
  [
    "a count of connections without a drain",
    ["-wait-idle"],
    {},
    "-wait-idle has no effect without -wait-drained or -listen: add one of them",
  ],
  [
    "a token for no endpoint",
    ["-drain-token-file=/token"],
    {},
    "-drain-token-file has no effect without -listen: there is no /drain to call",
  ],
  ["HOST_IP, set for others", [], { HOST_IP: "10.0.0.9" }],
  [
    "variables that Kubernetes sets for a Service",
    [],
    {
      NLB_REGISTRATOR_TARGET_PORT: "tcp://10.96.0.7:80",
      NLB_REGISTRATOR_TARGET_SERVICE_HOST: "10.96.0.7",
      NLB_REGISTRATOR_TARGET_PORT_80_TCP_ADDR: "10.96.0.7",
    },
    "ignored NLB_REGISTRATOR_TARGET_PORT, NLB_REGISTRATOR_TARGET_PORT_80_TCP_ADDR, " +
    "NLB_REGISTRATOR_TARGET_SERVICE_HOST, which Kubernetes sets for a Service: " +
    "set enableServiceLinks: false in the pod",
  ],
  [
    "a variable that Kubernetes sets for a Service",
    [],
    { NLB_REGISTRATOR_TARGET_PORT: "tcp://10.96.0.7:80" },
    "ignored NLB_REGISTRATOR_TARGET_PORT, which Kubernetes sets for a Service: " +
    "set enableServiceLinks: false in the pod",
  ],
  [
    "addresses beside a token that everybody needs",
    ["-listen=:80", "-drain-allow=::1", "-drain-token-file=/token", "-drain-token-required"],
    {},
    "-drain-allow has no effect with -drain-token-required: remove one of them",
  ],
  ["a preStop hook that nobody lets in", ["-listen=:80"], {}, KUBELET],
  ["a preStop hook that HOST_IP lets in", ["-listen=:80"], { HOST_IP: "10.0.0.9" }],
  ["a preStop hook that a token lets in", ["-listen=:80", "-drain-token-file=/token"], {}],
];

for (const [what, args, env, warning] of CASES) {
  Deno.test(`readConfig() warns of ${what}: ${warning !== undefined}`, () => {
    const { warnings } = run(args, { ...NEEDED_VARIABLES, ...env });
    assertEquals(warnings, warning === undefined ? [] : [warning]);
  });
}

Deno.test("readConfig() does not require what is not waited for", () => {
  const { inService } = run(["-require-in-service", "-wait-in-service=0"]).config;
  assertEquals(inService.required, false);
});
