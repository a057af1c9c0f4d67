import {
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { STATIC_KEY } from "../../emulator/access_keys.ts";
import { readArguments, USAGE } from "../../emulator/arguments.ts";
import { FAULT_NAMES } from "../../emulator/fault_rules.ts";
import { program } from "./child.ts";
import { failure } from "./bench.ts";

function options(...args: string[]) {
  const request = readArguments(args);
  if (request.kind !== "start") throw new Error(`${request.kind}`);
  return request.options;
}

function faults(...args: string[]): readonly string[] {
  const request = readArguments(args);
  return request.kind === "refused" ? request.faults : [];
}

Deno.test("without options there is one group, and any free port", () => {
  const { port, region, groups, faults } = options();
  assertEquals([port, region, faults], [0, "eu-west-1", []]);
  assertEquals(groups?.map(({ name, port }) => `${name}:${port}`), ["kafka:9092"]);
});

Deno.test("options are read into groups and faults", () => {
  const { port, region, groups, faults } = options(
    ...["--port", "8080", "--region=us-gov-west-1", "--group", "a", "--group", "b:1"],
    ...["--healthy-after", "1.5s", "--registering", "20ms", "--unseen", "2m"],
    ...["--health-check-interval", "10", "--healthy-threshold", "2", "--time-scale", "0.5"],
    ...["--deregistration-delay", "0", "--fault", '{"what":"hang","action":"RegisterTargets"}'],
  );
  assertEquals([port, region], [8080, "us-gov-west-1"]);
  assertEquals(groups?.map(({ name, port }) => [name, port]), [["a", 80], ["b", 1]]);
  const [a] = groups ?? [];
  assertEquals(a?.health, { check: "assumed", after: 1500, healthy: true });
  assertEquals([a?.registering, a?.unseen, a?.timeScale], [20, 120_000, 0.5]);
  assertEquals([a?.healthCheckIntervalSeconds, a?.healthyThresholdCount], [10, 2]);
  assertEquals(a?.deregistrationDelaySeconds, 0);
  assertEquals(faults, [{ what: "hang", action: "RegisterTargets" }]);
});

Deno.test("a listener is that of the group it names, or of the first", () => {
  const listeners = (...args: string[]) => options(...args).groups?.map((group) => group.listener);
  assertEquals(listeners("--group", "a", "--group", "b"), [false, false]);
  assertEquals(listeners("--group", "a", "--group", "b:1", "--listener", "b:81"), [false, 81]);
  assertEquals(listeners("--group", "a", "--group", "b", "--listener", "80"), [80, false]);
  assertEquals(listeners("--listener", "0"), [true]);
  const { groups } = options("--listener", "0", "--sends-after-deregistration", "90s");
  assertEquals(groups?.[0]?.sendsAfterDeregistration, 90_000);
  assertEquals(faults("--listener", "a:1", "--listener", "x"), [
    "--listener a:1 is of no --group",
    "--listener x is not like 8080 or kafka:8080",
  ]);
});

Deno.test("every kind of check can be chosen", () => {
  const checks = ["assumed", "tcp", "http", "none"] as const;
  for (const check of checks) {
    assertEquals(options("--check", check).groups?.[0]?.health?.check, check);
  }
});

Deno.test("all that is wrong with the options is said at once", () => {
  assertEquals(
    faults(
      ...["--port", "x", "--foo", "1", "-g", "--region", "here", "--group", "-a", "--check", "q"],
      ...["--registering", "3", "--time-scale", "0", "--healthy-threshold", "", "--group", "b:0"],
      ...["--deregistration-delay", "1.5", "--fault", "{"],
    ).toSorted(),
    [
      "--check q is none of assumed, tcp, http, none",
      "--deregistration-delay 1.5 is not a whole number",
      "--fault: Cannot read fault {: it is not JSON",
      "--group needs a value: NAME[:PORT]",
      '--group: Cannot make target group "b": port 0 is not within 1 and 65535',
      "--healthy-threshold needs a value: COUNT",
      "--port x is not a port",
      "--region here is not like eu-west-1",
      "--registering 3 is not a time like 500ms or 3s",
      "--time-scale 0 is not a number above 0",
      "There is no option --foo",
      "There is no option -a",
      "There is no option -g",
    ].toSorted(),
  );
  assertEquals(faults("more"), ['"more" belongs to no option']);
});

Deno.test("the usage names every fault", () => {
  assertEquals(FAULT_NAMES.filter((name) => !USAGE.includes(name)), []);
});

Deno.test("-h and --help ask for help, whatever else there is", () => {
  assertEquals(readArguments(["-h", "--foo"]), { kind: "help" });
  assertEquals(readArguments(["--help"]), { kind: "help" });
});

Deno.test("the program refuses bad options with exit code 2, and prints no address", async () => {
  const command = program("tests/emulator/main.ts", { args: ["--port", "x", "--foo"] });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout)], [2, ""]);
  assertStringIncludes(text.decode(stderr), "--port x is not a port\n");
});

Deno.test("the program says where a port is taken", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  const { code, stdout, stderr } = await program("tests/emulator/main.ts", {
    args: ["--port", port],
  }).output();
  listener.close();
  assertEquals([code, new TextDecoder().decode(stdout)], [1, ""]);
  assertStringIncludes(new TextDecoder().decode(stderr), `Cannot listen on port ${port}: `);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`the program prints its address, tells of calls, and ends at ${signal}`, async () => {
    const child = program("tests/emulator/main.ts", {
      args: ["--fault", '{"action":"DescribeTargetGroups","what":"throttle"}'],
    }).spawn();
    const stderr = new Response(child.stderr).text();
    const lines = child.stdout.pipeThrough(new TextDecoderStream());
    let output = "";
    let called = false;
    for await (const text of lines) {
      output += text;
      if (!called && output.includes("\n\n")) {
        called = true;
        await callOnce(output.slice(0, output.indexOf("\n")));
        child.kill(signal);
      }
    }
    assertEquals([await child.status.then(({ code }) => code), await stderr], [0, ""]);
    assertMatch(output, /^http:\/\/127\.0\.0\.1:\d+\n/);
    assertMatch(output, /call 1: DescribeTargetGroups\n.*call 1: 400 ThrottlingException\n/);
  });
}

async function callOnce(endpoint: string): Promise<void> {
  const client = new ElasticLoadBalancingV2Client({
    region: "eu-west-1",
    endpoint,
    maxAttempts: 1,
    credentials: STATIC_KEY,
  });
  const error = await failure(client.send(new DescribeTargetGroupsCommand({})));
  client.destroy();
  assertStringIncludes(String(error), "ThrottlingException");
}
