/** `deno task run tests/emulator/awscli.ts`: whether the AWS command line works with the emulator. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { Emulator } from "./emulator.ts";
import { startEmulator } from "./server.ts";

/** What a check works with. */
interface Scene {
  readonly emulator: Emulator;
  /** The ARN of the group `kafka`. */
  readonly arn: string;
  /** Runs `aws elbv2` with these arguments, expects success, and reads the output. */
  aws(...args: string[]): Promise<unknown>;
  /** Runs it, and expects it to be refused with these words. */
  refused(words: string, ...args: string[]): Promise<void>;
}

const TARGET = "Id=10.0.0.1,Port=9092";
const on = (arn: string, ...targets: string[]) => [
  ...["--target-group-arn", arn, ...(targets.length > 0 ? ["--targets", ...targets] : [])],
];

/** The checks, in the order of a target's lifecycle: each stands on the ones before. */
const CHECKS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  "describe-target-groups finds a group by its name": async ({ aws, arn }) => {
    const output = await aws("describe-target-groups", "--names", "kafka");
    assertEquals(pick(output, "TargetGroups", 0, "TargetGroupArn"), arn);
    assertEquals(pick(output, "TargetGroups", 0, "HealthCheckIntervalSeconds"), 30);
  },
  "describe-target-groups refuses an unknown name": ({ refused }) =>
    refused("TargetGroupNotFound", "describe-target-groups", "--names", "unknown"),
  "describe-target-group-attributes has the deregistration delay": async ({ aws, arn }) => {
    const output = await aws("describe-target-group-attributes", ...on(arn));
    const delay = { Key: "deregistration_delay.timeout_seconds", Value: "300" };
    assertEquals(pick(output, "Attributes", 0), delay);
  },
  "describe-target-health says that a target is not registered": async ({ aws, arn }) =>
    assertEquals(healthOf(await aws("describe-target-health", ...on(arn, TARGET))), "unused"),
  "register-targets registers": async ({ aws, arn, emulator }) => {
    const healthy = emulator.next((event) =>
      event.kind === "state-changed" && event.to.state === "healthy"
    );
    assertEquals(await aws("register-targets", ...on(arn, TARGET)), undefined);
    await healthy;
  },
  "describe-target-health says that it is healthy, and where": async ({ aws, arn }) =>
    assertEquals(
      pick(
        await aws("describe-target-health", ...on(arn, "Id=10.0.0.1")),
        ...["TargetHealthDescriptions", 0],
      ),
      {
        Target: { Id: "10.0.0.1", Port: 9092, AvailabilityZone: "eu-west-1a" },
        HealthCheckPort: "9092",
        TargetHealth: { State: "healthy" },
      },
    ),
  "wait target-in-service ends": ({ aws, arn }) => aws("wait", "target-in-service", ...on(arn)),
  "register-targets refuses an instance id in a group of addresses": ({ refused, arn }) =>
    refused("ValidationError", "register-targets", ...on(arn, "Id=i-01234567")),
  "register-targets refuses an address outside the VPC without a zone": ({ refused, arn }) =>
    refused(
      "The Availability Zone is required for IP address '192.168.0.1'",
      ...["register-targets", ...on(arn, "Id=192.168.0.1")],
    ),
  "register-targets refuses a public address": ({ refused, arn }) =>
    refused("InvalidTarget", "register-targets", ...on(arn, "Id=8.8.8.8")),
  "register-targets refuses all zones for an address in the VPC": ({ refused, arn }) =>
    refused(
      "cannot have its Availability Zone overridden",
      ...["register-targets", ...on(arn, "Id=10.0.0.1,AvailabilityZone=all")],
    ),
  "register-targets refuses targets beyond the quota": ({ refused, arn }) =>
    refused("TooManyTargets", "register-targets", ...on(arn, "Id=10.0.0.2")),
  "an ARN of another region is refused": ({ refused, arn }) =>
    refused(
      "is not a valid target group ARN",
      ...["describe-target-health", ...on(arn.replace("eu-west-1", "us-east-1"))],
    ),
  "deregister-targets with another port does nothing": async ({ aws, arn, emulator }) => {
    await aws("deregister-targets", ...on(arn, "Id=10.0.0.1,Port=1"));
    assertEquals(emulator.registered("kafka").length, 1);
  },
  "deregister-targets deregisters": async ({ aws, arn, emulator }) => {
    assertEquals(await aws("deregister-targets", ...on(arn, TARGET)), undefined);
    assertEquals(emulator.registered("kafka"), []);
  },
  "describe-target-health says that it drains": async ({ aws, arn }) =>
    assertEquals(healthOf(await aws("describe-target-health", ...on(arn))), "draining"),
  "register-targets refuses a target without a server ID where QUIC is served": (
    { refused, emulator },
  ) =>
    refused(
      "A QUIC server ID is required",
      ...["register-targets", ...on(emulator.arn("quic"), "Id=10.0.0.1")],
    ),
  "register-targets takes a server ID, which describe-target-health has": async (
    { aws, emulator },
  ) => {
    const id = "0x0123456789abcdef";
    await aws("register-targets", ...on(emulator.arn("quic"), `Id=10.0.0.1,QuicServerId=${id}`));
    const health = await aws("describe-target-health", ...on(emulator.arn("quic")));
    assertEquals(pick(health, "TargetHealthDescriptions", 0, "Target", "QuicServerId"), id);
  },
  "describe-target-health shows an override": async ({ aws, emulator }) => {
    const override = "zonal_shift_active";
    emulator.setHealth("quic", { id: "10.0.0.1", port: 80 }, { state: "healthy", override });
    const health = await aws("describe-target-health", ...on(emulator.arn("quic")));
    assertEquals(
      pick(health, "TargetHealthDescriptions", 0, "AdministrativeOverride", "State"),
      override,
    );
  },
  "an action that the emulator does not have is refused": ({ refused }) =>
    refused("InvalidAction", "describe-account-limits"),
  "a fault reaches the user": ({ refused, emulator }) => {
    emulator.addFault({ what: "access-denied", action: "DescribeTargetGroups" });
    return refused("is not authorized to perform", "describe-target-groups");
  },
};

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

function healthOf(output: unknown): unknown {
  return pick(output, "TargetHealthDescriptions", 0, "TargetHealth", "State");
}

async function run({ url, region, environment }: Emulator, args: readonly string[]) {
  const command = new Deno.Command("aws", {
    args: ["--endpoint-url", url, "--region", region, "--output", "json", "elbv2", ...args],
    // Nothing of the user's own AWS configuration, and no pager.
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      ...environment,
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

/** Runs the checks; gives the exit code. */
async function main(): Promise<number> {
  const version = new Deno.Command("aws", { args: ["--version"] }).output();
  if (!await version.then(({ success }) => success, () => false)) {
    console.log("skipped: the AWS command line (aws) is not installed");
    return 0;
  }
  const groups = [{ name: "kafka", port: 9092, quota: 1 }, { name: "quic", protocol: "QUIC" }];
  await using emulator = await startEmulator({ groups });
  const scene: Scene = {
    ...{ emulator, arn: emulator.arn("kafka") },
    aws: async (...args) => {
      const { code, stdout, stderr } = await run(emulator, args);
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      return stdout === "" ? undefined : JSON.parse(stdout);
    },
    refused: async (words, ...args) => {
      const { code, stderr } = await run(emulator, args);
      // 255 in version 1, 254 in version 2.
      assertNotEquals(code, 0);
      assertStringIncludes(stderr, words);
    },
  };
  let failed = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check(scene);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
    }
  }
  console.log(`awscli: ${Object.keys(CHECKS).length - failed} checks passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

Deno.exitCode = await main();
