/** Checks that the AWS command line, which nobody here wrote, gets along with the emulator. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { Emulator } from "./emulator.ts";
import { startEmulator } from "./server.ts";

/** The command's end. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a check works with. */
interface Bench {
  readonly emulator: Emulator;
  /** The ARN of the group `kafka`. */
  readonly arn: string;
  /** Runs `aws elbv2` with these arguments. */
  aws(...args: string[]): Promise<Ended>;
  /** Runs it, expects it to succeed, and reads its output. */
  json(...args: string[]): Promise<unknown>;
}

const TARGET = { id: "10.0.0.1", port: 9092 };

/** The checks, in the order of a target's life: each stands on the ones before. */
const CHECKS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "describe-target-groups finds a group by its name": async ({ json, arn }) => {
    const output = await json("describe-target-groups", "--names", "kafka");
    assertEquals(pick(output, "TargetGroups", 0, "TargetGroupArn"), arn);
    assertEquals(pick(output, "TargetGroups", 0, "TargetType"), "ip");
    assertEquals(pick(output, "TargetGroups", 0, "HealthCheckIntervalSeconds"), 30);
  },
  "describe-target-groups goes through all pages": async ({ json, emulator }) => {
    const before = emulator.calls.length;
    const output = await json("describe-target-groups");
    assertEquals(pick(output, "TargetGroups", "length"), emulator.groups.length);
    assertEquals(emulator.calls.length - before, 2);
  },
  "describe-target-groups gives pages of the size asked for": async ({ json }) => {
    const first = await json("describe-target-groups", "--page-size", "1");
    assertEquals(pick(first, "TargetGroups", "length"), 1);
    const marker = String(pick(first, "NextMarker"));
    const next = await json("describe-target-groups", "--page-size", "1", "--marker", marker);
    assertEquals(pick(next, "TargetGroups", 0, "TargetGroupName"), "spare-1");
  },
  "describe-target-groups refuses an unknown name": async ({ aws }) => {
    refused(await aws("describe-target-groups", "--names", "nobody"), "TargetGroupNotFound");
  },
  "describe-target-group-attributes tells the deregistration delay": async ({ json, arn }) => {
    const output = await json("describe-target-group-attributes", "--target-group-arn", arn);
    const attributes = pick(output, "Attributes");
    assertEquals(
      Array.isArray(attributes) &&
        attributes.find((one) => pick(one, "Key") === "deregistration_delay.timeout_seconds"),
      { Key: "deregistration_delay.timeout_seconds", Value: "300" },
    );
  },
  "describe-tags tells the tags": async ({ json, arn }) => {
    const output = await json("describe-tags", "--resource-arns", arn);
    assertEquals(pick(output, "TagDescriptions", 0, "Tags"), [{ Key: "team", Value: "data" }]);
  },
  "describe-target-health says that a target is not registered": async ({ json, arn }) => {
    const output = await json(...health(arn));
    assertEquals(pick(output, "TargetHealthDescriptions", 0, "TargetHealth", "State"), "unused");
  },
  "register-targets registers": async ({ aws, arn, emulator }) => {
    const healthy = emulator.next((event) =>
      event.kind === "state-changed" && event.to.state === "healthy"
    );
    assertEquals(await aws(...change("register-targets", arn)), NOTHING_TO_SAY);
    await healthy;
    assertEquals(emulator.registered("kafka"), [{
      ...TARGET,
      availabilityZone: "eu-west-1a",
      state: "healthy",
    }]);
  },
  "describe-target-health says that it is healthy": async ({ json, arn }) => {
    assertEquals(pick(await json(...health(arn)), "TargetHealthDescriptions", 0), {
      Target: { Id: TARGET.id, Port: TARGET.port, AvailabilityZone: "eu-west-1a" },
      HealthCheckPort: "9092",
      TargetHealth: { State: "healthy" },
    });
  },
  "wait target-in-service ends": async ({ aws, arn }) => {
    assertEquals(
      await aws("wait", "target-in-service", "--target-group-arn", arn),
      NOTHING_TO_SAY,
    );
  },
  "register-targets refuses an instance id in a group of addresses": async ({ aws, arn }) => {
    refused(
      await aws("register-targets", "--target-group-arn", arn, "--targets", "Id=i-01234567"),
      "ValidationError",
    );
  },
  "deregister-targets deregisters": async ({ aws, arn, emulator }) => {
    assertEquals(await aws(...change("deregister-targets", arn)), NOTHING_TO_SAY);
    assertEquals(emulator.registered("kafka"), []);
  },
  "describe-target-health says that it drains": async ({ json, arn }) => {
    const output = await json("describe-target-health", "--target-group-arn", arn);
    const state = pick(output, "TargetHealthDescriptions", 0, "TargetHealth");
    assertEquals(pick(state, "State"), "draining");
    assertEquals(pick(state, "Reason"), "Target.DeregistrationInProgress");
  },
  "deregister-targets succeeds for a target that is not there": async ({ aws, arn }) => {
    const ended = await aws(
      ...["deregister-targets", "--target-group-arn", arn, "--targets", "Id=10.9.9.9"],
    );
    assertEquals(ended, NOTHING_TO_SAY);
  },
  "an action that the emulator does not have is refused": async ({ aws }) => {
    refused(await aws("describe-account-limits"), "InvalidAction");
  },
  "a fault reaches the user": async ({ aws, emulator }) => {
    emulator.addFault({ what: "access-denied", action: "DescribeTargetGroups" });
    refused(await aws("describe-target-groups"), "is not authorized to perform");
    emulator.clearFaults();
  },
};

/** As many as make a second page. */
const SPARE_GROUPS = Array.from({ length: 400 }, (_, index) => ({ name: `spare-${index + 1}` }));

const NOTHING_TO_SAY: Ended = { code: 0, stdout: "", stderr: "" };

function health(arn: string): string[] {
  return ["describe-target-health", "--target-group-arn", arn, "--targets", `Id=${TARGET.id}`];
}

function change(command: string, arn: string): string[] {
  const target = `Id=${TARGET.id},Port=${TARGET.port}`;
  return [command, "--target-group-arn", arn, "--targets", target];
}

/** The exit code is not compared: 255 in version 1, 254 in version 2. */
function refused(ended: Ended, words: string): void {
  assertNotEquals(ended.code, 0);
  assertStringIncludes(ended.stderr, words);
}

/** The part of a JSON value at this path. */
function pick(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null
        ? Object.getOwnPropertyDescriptor(at, key)?.value
        : undefined,
    value,
  );
}

async function run(emulator: Emulator, args: readonly string[]): Promise<Ended> {
  const command = new Deno.Command("aws", {
    args: [
      "--endpoint-url",
      emulator.url,
      "--region",
      emulator.region,
      "--output",
      "json",
      ...args,
    ],
    // Nothing of the user's own AWS configuration, and no pager.
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      ...emulator.environment,
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_PAGER: "",
      AWS_MAX_ATTEMPTS: "1",
    },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function isInstalled(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("aws", { args: ["--version"] }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs the checks; gives the exit code. */
async function main(): Promise<number> {
  if (!await isInstalled()) {
    console.log("skipped: the AWS command line (aws) is not installed");
    return 0;
  }
  await using emulator = await startEmulator({
    groups: [{ name: "kafka", port: 9092, tags: { team: "data" } }, ...SPARE_GROUPS],
  });
  const aws = (...args: string[]) => run(emulator, ["elbv2", ...args]);
  const json = async (...args: string[]): Promise<unknown> => {
    const ended = await aws(...args);
    assertEquals({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" });
    return JSON.parse(ended.stdout);
  };
  let failed = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check({ emulator, arn: emulator.arn("kafka"), aws, json });
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
    }
  }
  const passed = Object.keys(CHECKS).length - failed;
  console.log(`awscli: ${passed} checks passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

Deno.exitCode = await main();
