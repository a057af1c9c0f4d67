/** The emulator as a program: its options, and what it prints. */
import { assert, assertEquals, assertObjectMatch, assertStringIncludes } from "@std/assert";
import { PrintedLines } from "../../../tools/lines.ts";
import { readArguments, USAGE } from "../../emulator/arguments.ts";
import { FAULTS } from "../../emulator/faults.ts";
import { program } from "./child.ts";

for (
  const [args, expected] of [
    [[], { name: "kafka", port: 9092, registering: 1000, timeScale: 1 }],
    [["--group", "a"], { name: "a", port: 80 }],
    [["--group", "b:1", "--group", "c"], { name: "b", port: 1 }],
    [["--group", '{"name":"d","timeScale":20}'], { name: "d", timeScale: 20, registering: 1000 }],
    [["--group", "d:1,timeScale=20,listener=true"], { port: 1, timeScale: 20, listener: true }],
    [["--group", '{"name":"e","health":{"check":"tcp"}}'], { health: { check: "tcp" } }],
  ] as const
) {
  Deno.test(`with ${args.join(" ") || "no options"} the first group has ${JSON.stringify(expected)}`, () => {
    const request = readArguments(args);
    assert(request.kind === "start");
    const [group] = request.options.groups ?? [];
    assertObjectMatch({ ...group }, expected);
  });
}

Deno.test("all that is wrong with the options is said at once", () => {
  const request = readArguments([
    ...["--port", "x", "--foo", "1", "-g", "--region", "here", "--group", "-a", "--fault", "{"],
    ...["--group", "b:0", "--group", '{"nome":"c"}', "more"],
  ]);
  assertEquals(request.kind === "refused" ? request.errors.toSorted() : [], [
    '"more" belongs to no option',
    "--fault: Cannot read fault {: it is not JSON",
    "--group needs a value: NAME[:PORT][,SETTING=VALUE]…",
    '--group: Cannot make target group "b": port 0 is not within 1 and 65535',
    "--group: a group has no nome",
    "--port x is not a port",
    "--region here is not like eu-west-1",
    "There is no option --foo",
    "There is no option -a",
    "There is no option -g",
  ]);
});

Deno.test("-h and --help ask for help, whatever else there is; it names every fault", () => {
  assertEquals(readArguments(["-h", "--foo"]), { kind: "help" });
  assertEquals(readArguments(["--help"]), { kind: "help" });
  assertEquals(Object.keys(FAULTS).filter((name) => !USAGE.includes(`\n  ${name} `)), []);
});

Deno.test("the program refuses bad options and a taken port, and prints no address", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = `${listener.addr.port}`;
  for (
    const [bad, expected, words] of [
      ["x", 2, "--port x is not a port\n"],
      [port, 1, `Cannot listen on port ${port}: `],
    ] as const
  ) {
    const command = program("tests/emulator/main.ts", { args: ["--port", bad] });
    const { code, stdout, stderr } = await command.output();
    assertEquals([code, new TextDecoder().decode(stdout)], [expected, ""]);
    assertStringIncludes(new TextDecoder().decode(stderr), words);
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`the program prints its address, calls and states, and ends at ${signal}`, async () => {
    const fault = '{"action":"DescribeTargetGroups","what":"throttle","occurrence":"first"}';
    const child = program("tests/emulator/main.ts", { args: ["--fault", fault] }).spawn();
    const [stdout, stderr] = [new PrintedLines(child.stdout), new PrintedLines(child.stderr)];
    const url = await stdout.line(/^http:\/\/127\.0\.0\.1:\d+$/);
    const environment = await stdout.line(/^ {2}export /);
    const env = Object.fromEntries(
      environment.slice("  export ".length).split(" ").map((one) => one.split("=", 2)),
    );
    const call = program("tests/unit/emulator/call_once.ts", {
      env: { ...env, AWS_ENDPOINT_URL: url },
    });
    await call.output();
    await call.output();
    await fetch(`${url}/v1/credentials`).then((response) => response.body?.cancel());
    await stdout.line(/credentials: container 403$/);
    child.kill(signal);
    await Promise.all([stdout.end, stderr.end]);
    assertEquals([(await child.status).code, stderr.lines], [0, []]);
    const narrated = stdout.lines.filter((line) => /^ +\d+\.\d{3} {2}/.test(line));
    assertEquals(narrated.map((line) => line.slice(10)), [
      "call 1: DescribeTargetGroups",
      "call 1: 400 Throttling",
      "call 2: DescribeTargetGroups",
      "call 2: 200",
      "credentials: container 403",
    ]);
  });
}
