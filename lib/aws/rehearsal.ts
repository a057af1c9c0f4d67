/** DeregisterTargets without sending it, so that all that it runs through has run before. */
import {
  DeregisterTargetsCommand,
  type DeregisterTargetsInput,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { HttpResponse } from "@smithy/core/protocols";
import type { SdkClient } from "./sdk_client.ts";

/** The first time, code is read and compiled; the next times show the engine that it is in use. */
const TIMES = 3;

const ANSWER = "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>";

/**
 * Writes and signs the call, and reads an answer to it that never came. A call at the stop signal
 * then takes half of the time. Never throws: the call itself tells what is wrong.
 */
export async function rehearse(client: SdkClient, input: DeregisterTargetsInput): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    const command = new DeregisterTargetsCommand(input);
    const unsent = () => () =>
      Promise.resolve({
        response: new HttpResponse({ statusCode: 200, body: new TextEncoder().encode(ANSWER) }),
        output: { $metadata: {} },
      });
    command.middlewareStack.add(unsent, { step: "deserialize", priority: "low" });
    await client.send(command).catch(() => {});
  }
}
