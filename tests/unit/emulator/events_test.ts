import { RegisterTargetsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { narrate } from "../../emulator/narrate.ts";
import { becomes, bench, failure, step } from "./bench.ts";
import { balanced, Program, read } from "./traffic.ts";

const TARGET = { id: "10.0.0.1", port: 9092 };

Deno.test("the steps of a call come as events, in order", async () => {
  await using at = await bench();
  const kinds: string[] = [];
  const stop = at.emulator.listen((event) => kinds.push(event.kind));
  const healthy = at.emulator.next(becomes("healthy"));
  const answered = at.emulator.next(step("call-answered", "RegisterTargets"));
  await at.client.send(
    new RegisterTargetsCommand({ TargetGroupArn: at.arn, Targets: [{ Id: TARGET.id }] }),
  );
  await Promise.all([healthy, answered]);
  assertEquals(kinds.filter((kind) => kind.startsWith("call")), [
    "call-received",
    "call-applying",
    "call-applied",
    "call-answered",
  ]);
  const { at: received = 0, appliedAt = 0, answeredAt = 0 } = at.emulator.calls[0] ?? {};
  assert(received <= appliedAt && appliedAt <= answeredAt);
  stop();
  at.emulator.deregisterByOther("kafka", TARGET);
  assertEquals(kinds.length, at.emulator.events.length - 1);
});

Deno.test("next() waits for what comes, seen() takes what was too", async () => {
  await using at = await bench();
  at.emulator.registerByOther("kafka", TARGET);
  const past = await at.emulator.seen(becomes("initial"));
  assertEquals(past.kind, "state-changed");
  const coming = at.emulator.next(becomes("draining"));
  at.emulator.deregisterByOther("kafka", TARGET);
  await coming;
});

Deno.test("a wait for an event ends with its signal", async () => {
  await using at = await bench();
  const abort = new AbortController();
  const wait = at.emulator.next(() => true, abort.signal);
  abort.abort(new Error("enough"));
  await assertRejects(() => wait, Error, "enough");
  await assertRejects(() => at.emulator.next(() => true, abort.signal), Error, "enough");
});

Deno.test("a wait for an event ends with the emulator", async () => {
  const at = await bench();
  const wait = failure(at.emulator.next(() => false));
  await at[Symbol.asyncDispose]();
  assertEquals(String(await wait), "Error: The emulator has ended");
});

Deno.test("groups are found by name and by ARN, and no others", async () => {
  await using at = await bench();
  assertEquals(at.emulator.arn("kafka"), at.arn);
  assertEquals(at.emulator.targets(at.arn), []);
  assertThrows(() => at.emulator.registered("edge"), RangeError, 'no target group "edge"');
});

Deno.test("events are told as lines", async () => {
  await using at = await bench();
  at.emulator.addFault({ what: "throttle", occurrence: 2 });
  const lines: string[] = [];
  at.emulator.listen((event) => lines.push(narrate(event) ?? ""));
  const send = () =>
    at.client.send(
      new RegisterTargetsCommand({ TargetGroupArn: at.arn, Targets: [{ Id: "10.0.0.1" }] }),
    );
  await send();
  await failure(send());
  await fetch(`${at.emulator.url}/v1/credentials`).then((response) => response.body?.cancel());
  await at.emulator.seen(becomes("healthy"));
  assertEquals(lines.filter((line) => line !== "").toSorted(), [
    "call 1: 200",
    "call 1: RegisterTargets kafka 10.0.0.1",
    "call 1: applied",
    "call 2: 400 ThrottlingException",
    "call 2: RegisterTargets kafka 10.0.0.1",
    "credentials: container 403",
    "kafka 10.0.0.1:9092: healthy",
    "kafka 10.0.0.1:9092: initial (Elb.InitialHealthChecking)",
    "kafka 10.0.0.1:9092: initial (Elb.RegistrationInProgress)",
  ]);
});

Deno.test("connections are told as lines", async () => {
  await using program = new Program("127.1.0.1").greet();
  await using at = await balanced({ sendsAfterDeregistration: 0 });
  const lines: string[] = [];
  at.emulator.listen((event) => lines.push(narrate(event) ?? ""));
  await at.inService(program.target);
  const client = await at.connect();
  await read(client);
  await client.closeWrite();
  await at.flow("flow-closed");
  const ended = at.emulator.next(({ kind }) => kind === "sending-ended");
  at.emulator.deregisterByOther("kafka", program.target);
  await ended;
  await at.firstRead();
  await at.flow("flow-refused");
  const to = `127.1.0.1:${program.target.port}`;
  assertEquals(
    lines.slice(3).map((line) => line.replace(/from 127\.0\.0\.1:\d+/, "from CLIENT")),
    [
      `kafka connection 1 from CLIENT to ${to}: open`,
      `kafka connection 1 from CLIENT to ${to}: closed`,
      `kafka ${to}: draining (Target.DeregistrationInProgress)`,
      `kafka ${to}: no new connections any more`,
      "kafka connection 2 from CLIENT: no-target",
    ],
  );
});
