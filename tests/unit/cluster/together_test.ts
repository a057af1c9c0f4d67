/** Users, the load balancer and services together. */
import { assert, assertEquals } from "@std/assert";
import { balanced } from "../emulator/traffic.ts";
import type { Balanced } from "../emulator/traffic.ts";
import type { EmulatorEvent } from "../../emulator/events.ts";
import type { Target } from "../../emulator/states.ts";
import { Load } from "../../cluster/load.ts";
import { Echo } from "./echo_process.ts";

Deno.test("users see nothing of a target that leaves in good order", async () => {
  await using leaving = await Echo.start("--host=127.1.0.1");
  await using staying = await Echo.start("--host=127.1.0.2");
  await using at = await balanced({ sendsAfterDeregistration: 500 });
  for (const echo of [leaving, staying]) await at.inService(targetOf(echo));
  await using load = loadOn(at);
  await opened(at, targetOf(leaving));
  const ended = at.emulator.next(({ kind }) => kind === "sending-ended");
  at.emulator.deregisterByOther("kafka", targetOf(leaving));
  await ended;
  while (flowsTo(at, targetOf(leaving)) > 0) await at.emulator.next(isEnd);
  leaving.signal("SIGTERM");
  assertEquals(await leaving.ended(), 0);
  await opened(at, targetOf(staying));
  const { failures, tallies } = await load.stop();
  assertEquals(failures, []);
  assert(tallies.short.done > 0 && tallies.lasting.done > 0);
});

Deno.test("users see a target die, and the load balancer tells which it was", async () => {
  await using dying = await Echo.start("--host=127.1.0.1");
  await using staying = await Echo.start("--host=127.1.0.2");
  await using at = await balanced();
  for (const echo of [dying, staying]) await at.inService(targetOf(echo));
  await using load = loadOn(at);
  const refused = at.emulator.next(({ kind }) => kind === "flow-refused");
  await opened(at, targetOf(dying));
  dying.signal("SIGKILL");
  await refused;
  const { failures } = await load.stop();
  assert(failures.length > 0);
  const id = dying.address.hostname;
  for (const { client, what } of failures) {
    assert(what === "reset" || what === "cut", what);
    if (client === undefined) continue;
    const flow = at.emulator.events.flatMap((event) => "flow" in event ? [event.flow] : [])
      .find((one) => one.client === client);
    assertEquals(flow?.target?.id, id);
  }
});

function loadOn(at: Balanced): Load {
  return new Load({
    ...{ hostname: "127.0.0.1", port: at.emulator.groups[0]?.port ?? 0 },
    ...{ shortPerSecond: 100, halfClosedPerSecond: 20, lasting: 4, lastingLife: 200 },
    lastingEvery: 10,
  });
}

function targetOf(echo: Echo): Target {
  return { id: echo.address.hostname, port: echo.address.port };
}

function isTo({ id }: Target): (event: EmulatorEvent) => boolean {
  return (event) => event.kind === "flow-opened" && event.flow.target?.id === id;
}

async function opened(at: Balanced, target: Target): Promise<void> {
  await at.emulator.next(isTo(target));
}

function isEnd({ kind }: EmulatorEvent): boolean {
  return kind === "flow-closed" || kind === "flow-reset";
}

function flowsTo(at: Balanced, { id }: Target): number {
  return at.emulator.traffic("kafka").open.filter(({ target }) => target?.id === id).length;
}
