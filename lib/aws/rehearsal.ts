/** DeregisterTargets without sending it, so that all that it runs through has run before. */
import {
  DeregisterTargetsCommand,
  type DeregisterTargetsInput,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { HttpResponse } from "@smithy/core/protocols";
import type { SdkClient } from "./sdk_client.ts";

const ANSWER = "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>";

/**
 * Writes and signs the call, and reads an answer to it that never came. Once is enough: to do it
 * more often makes the engine compile to machine code, which takes 2 MB. Never throws: the call
 * itself tells what is wrong.
 */
export async function rehearse(client: SdkClient, input: DeregisterTargetsInput): Promise<void> {
  const command = new DeregisterTargetsCommand(input);
  const unsent = () => () =>
    Promise.resolve({
      response: new HttpResponse({ statusCode: 200, body: new TextEncoder().encode(ANSWER) }),
      output: { $metadata: {} },
    });
  command.middlewareStack.add(unsent, { step: "deserialize", priority: "low" });
  await client.send(command).catch(() => {});
}
