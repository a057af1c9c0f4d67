/** What the tests of the emulator work with: an emulator, and the real SDK pointed at it. */
import {
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ElasticLoadBalancingV2ServiceException,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type {
  DescribeTargetHealthCommandOutput,
  ElasticLoadBalancingV2ClientConfig,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals } from "@std/assert";
import { STATIC_KEY } from "../../emulator/access_keys.ts";
import type { Emulator, EmulatorOptions } from "../../emulator/emulator.ts";
import type { CallStep, EmulatorEvent } from "../../emulator/events.ts";
import { startEmulator } from "../../emulator/server.ts";

/** An emulator with the group `kafka`, and a client that tries each call once. */
export interface Bench extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly client: ElasticLoadBalancingV2Client;
  /** The ARN of `kafka`. */
  readonly arn: string;
  /** Registers an address in `kafka`. */
  register(id: string): Promise<unknown>;
  /** Asks for its health. */
  health(id: string, zone?: string): Promise<DescribeTargetHealthCommandOutput>;
}

/** The options of a client of the emulator. */
export function clientOptions(emulator: Emulator): ElasticLoadBalancingV2ClientConfig {
  return {
    region: emulator.region,
    endpoint: emulator.url,
    maxAttempts: 1,
    credentials: {
      accessKeyId: STATIC_KEY.accessKeyId,
      secretAccessKey: STATIC_KEY.secretAccessKey,
    },
  };
}

/** Starts both; other options than `groups` keep the group `kafka`. */
export async function bench(options: EmulatorOptions = {}): Promise<Bench> {
  const emulator = await startEmulator({ groups: [{ name: "kafka", port: 9092 }], ...options });
  const client = new ElasticLoadBalancingV2Client(clientOptions(emulator));
  const arn = emulator.groups[0]?.arn ?? "";
  return {
    emulator,
    client,
    arn,
    register: (Id) =>
      client.send(new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: [{ Id }] })),
    health: (Id, AvailabilityZone) =>
      client.send(
        new DescribeTargetHealthCommand({
          TargetGroupArn: arn,
          Targets: [{ Id, AvailabilityZone }],
        }),
      ),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await emulator[Symbol.asyncDispose]();
    },
  };
}

/** Awaits the call's failure, and holds it against the code, status and a part of the message. */
export async function refused(
  call: Promise<unknown>,
  code: string,
  status: number,
  words = "",
): Promise<ElasticLoadBalancingV2ServiceException> {
  const error = await failure(call);
  assert(error instanceof ElasticLoadBalancingV2ServiceException, String(error));
  const wireCode = "Code" in error ? error.Code : error.name;
  assertEquals([wireCode, error.$metadata.httpStatusCode], [code, status], error.message);
  assert(error.message.includes(words), error.message);
  return error;
}

/** What the call fails with. */
export async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("The call succeeded");
}

/** The event that a target has come to a state. */
export function becomes(state: string): (event: EmulatorEvent) => boolean {
  return (event) => event.kind === "state-changed" && event.to.state === state;
}

/** The event of a step of a call. */
export function step(kind: CallStep, action: string): (event: EmulatorEvent) => boolean {
  return (event) => event.kind === kind && "action" in event && event.action === action;
}
