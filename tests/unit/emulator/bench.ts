/** What the tests of the emulator work with: an emulator, and the real SDK pointed at it. */
import {
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ElasticLoadBalancingV2ServiceException,
  RegisterTargetsCommand,
  type TargetDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals } from "@std/assert";
import { type AccessKey, STATIC_KEY } from "../../emulator/access_keys.ts";
import type { Emulator, EmulatorOptions } from "../../emulator/emulator.ts";
import type { CallStep, EmulatorEvent } from "../../emulator/events.ts";
import { startEmulator } from "../../emulator/server.ts";
import type { GroupOptions } from "../../emulator/settings.ts";

/** The target of most tests. */
export const TARGET = { id: "10.0.0.1", port: 9092 };

/** An emulator with the group `kafka`, and a client that tries each call once. */
export class Bench implements AsyncDisposable {
  readonly client: ElasticLoadBalancingV2Client;
  /** The ARN of `kafka`. */
  readonly arn: string;

  private constructor(readonly emulator: Emulator) {
    this.client = clientOf(emulator);
    this.arn = emulator.groups[0]?.arn ?? "";
  }

  /** @param group Settings of `kafka`; `options` may have other groups besides. */
  static async start(
    group: Partial<GroupOptions> = {},
    { groups = [], ...options }: EmulatorOptions = {},
  ): Promise<Bench> {
    const kafka = { name: "kafka", port: 9092, ...group };
    return new Bench(await startEmulator({ groups: [kafka, ...groups], ...options }));
  }

  describe(abortSignal?: AbortSignal): Promise<unknown> {
    return this.client.send(
      new DescribeTargetGroupsCommand({}),
      abortSignal === undefined ? {} : { abortSignal },
    );
  }

  /** Registers an address in `kafka`. */
  register(
    target: Partial<TargetDescription> = { Id: TARGET.id },
    abortSignal?: AbortSignal,
  ): Promise<unknown> {
    const Targets = [{ Id: target.Id, ...target }];
    return this.client.send(
      new RegisterTargetsCommand({ TargetGroupArn: this.arn, Targets }),
      abortSignal === undefined ? {} : { abortSignal },
    );
  }

  /** What DescribeTargetHealth says of the target: `healthy`, or the state and the reason. */
  async health(AvailabilityZone?: string): Promise<string> {
    const Targets = [{ Id: TARGET.id, AvailabilityZone }];
    const { TargetHealthDescriptions: [found] = [] } = await this.client.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: this.arn, Targets }),
    );
    const { State, Reason } = found?.TargetHealth ?? {};
    return Reason === undefined ? `${State}` : `${State} ${Reason}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    await this.emulator[Symbol.asyncDispose]();
  }
}

/** A client of the emulator. */
export function clientOf(
  { region, url }: Emulator,
  { accessKeyId, secretAccessKey }: AccessKey = STATIC_KEY,
  maxAttempts = 1,
): ElasticLoadBalancingV2Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new ElasticLoadBalancingV2Client({ region, endpoint: url, maxAttempts, credentials });
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
  return await call.then(
    () => {
      throw new Error("The call succeeded");
    },
    (error: unknown) => error,
  );
}

/** The event that a target has come to a state. */
export function becomes(state: string): (event: EmulatorEvent) => boolean {
  return (event) => event.kind === "state-changed" && event.to.state === state;
}

/** The event of a step of a call. */
export function step(
  kind: CallStep,
  action = "RegisterTargets",
): (event: EmulatorEvent) => boolean {
  return (event) => event.kind === kind && "action" in event && event.action === action;
}
