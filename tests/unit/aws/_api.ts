/** An API of which a test says what each request gets, at a real socket, and clients of it. */
import { assertRejects } from "@std/assert";
import type { CallOptions } from "../../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../../lib/aws/errors.ts";
import { SdkLoadBalancing } from "../../../lib/aws/client.ts";
import { KeptLog } from "../kept_log.ts";
import { type Exchange, type HttpServer, listen } from "../../emulator/http.ts";

/** A request as it arrived. */
export interface Received {
  readonly action: string;
  readonly connection: number;
  readonly params: URLSearchParams;
}

/** What a request gets. */
export type Script = (received: Received, exchange: Exchange) => unknown;

export const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123";
export const TARGET = { id: "10.0.0.1" };

export const ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE";
// The client has no other way to get credentials than the SDK's own; all tests take these, which
// are the whole process's: tests that run beside each other share them.
Deno.env.set("AWS_ACCESS_KEY_ID", ACCESS_KEY);
Deno.env.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/** The API, and all that came to it. */
export class ScriptedApi implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #server: HttpServer;

  private constructor(server: HttpServer) {
    this.#server = server;
  }

  static async start(script: Script): Promise<ScriptedApi> {
    const server = await listen(0, async (exchange) => {
      const params = new URLSearchParams(exchange.request.body);
      const action = params.get("Action") ?? "";
      const received = { action, connection: exchange.connection, params };
      api.received.push(received);
      await script(received, exchange);
    });
    const api = new ScriptedApi(server);
    return api;
  }

  get port(): number {
    return this.#server.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get actions(): readonly string[] {
    return this.received.map(({ action }) => action);
  }

  silenceConnections(): void {
    this.#server.silenceConnections();
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** A port at which nothing listens. */
export function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

type Headers = Readonly<Record<string, string>>;

/** Sends a reply. */
export function answer(
  exchange: Exchange,
  body: string,
  { status = 200, headers = {} }: { status?: number; headers?: Headers } = {},
): Promise<boolean> {
  return exchange.reply({ status, headers: { "content-type": "text/xml", ...headers }, body }, {
    date: new Date(),
  });
}

/** The reply of a call that went well. */
export function result(action: string, content = ""): string {
  return `<${action}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">` +
    `<${action}Result>${content}</${action}Result></${action}Response>`;
}

/** An error's reply. */
export function failure(code: string, message = "A message"): string {
  return "<ErrorResponse><Error><Type>Sender</Type>" +
    `<Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
}

/** Makes a call by a client of its own; gives its error. */
export async function errorOf(
  url: string,
  call: ApiCall = "DescribeTargetGroups",
): Promise<ApiError> {
  using client = new SdkLoadBalancing({ region: "eu-west-1", endpointUrl: url }, new KeptLog());
  const options: CallOptions = { signal: new AbortController().signal };
  const making: Readonly<Record<ApiCall, () => Promise<unknown>>> = {
    DescribeTargetGroups: () => client.describeTargetGroups({ names: ["kafka"] }, options),
    RegisterTargets: () => client.registerTarget(ARN, TARGET, options),
    DeregisterTargets: () => client.deregisterTarget(ARN, TARGET, options),
    DescribeTargetHealth: () => client.describeTargetHealth(ARN, TARGET, options),
    DescribeTargetGroupAttributes: () => client.groupAttributes(ARN, options),
  };
  return await assertRejects(making[call], ApiError);
}
