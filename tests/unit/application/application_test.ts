/** Waiting for the application, in virtual time, and once for real. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { waitForApplication } from "../../../lib/application/application.ts";
import type { Answer, Probe } from "../../../lib/application/probe.ts";
import { type Clock, sleep, systemClock } from "../../../lib/host/clock.ts";
import { Failure } from "../../../lib/host/exit.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { deadPort, httpAddress, tcpAddress } from "./_servers.ts";

const READY: Answer = { outcome: "ready" };
const REFUSED: Answer = { outcome: "absent", reason: "connection refused" };
const BUSY: Answer = { outcome: "unready", reason: "status 503" };

const [ONE, TWO] = [tcpAddress(1), tcpAddress(2)];

class Bench {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly stop = new AbortController();
  /** When each question was asked. */
  readonly asked: string[] = [];
  readonly told: string[] = [];

  /** @param answer What an address answers at a moment, or how long it keeps silent. */
  wait(answer: (url: string, now: number) => Answer | "silent", time = 300_000): Promise<void> {
    const { clock, log } = this;
    const probe: Probe = async ({ url }, signal) => {
      this.asked.push(`${clock.now()} ${url}`);
      const given = answer(url, clock.now());
      if (given !== "silent") return given;
      await sleep(signal);
      return { outcome: "unready", reason: "no answer in time" };
    };
    const onAnswer = (url: string, ready: boolean) =>
      this.told.push(`${clock.now()} ${url} ${ready}`);
    const options = { clock, log, time, stop: this.stop.signal, onAnswer, probe };
    return clock.run(waitForApplication([ONE, TWO], options));
  }
}

Deno.test("waitForApplication() asks at once, and no more when all answer", async () => {
  const bench = new Bench();
  await bench.wait(() => READY);
  assertEquals(bench.asked, [`0 ${ONE.url}`, `0 ${TWO.url}`]);
  assertEquals(bench.told, [`0 ${ONE.url} true`, `0 ${TWO.url} true`]);
});

Deno.test("waitForApplication() asks nobody and says nothing without addresses", async () => {
  const log = new KeptLog();
  const stop = new AbortController().signal;
  await waitForApplication([], { clock: new VirtualClock(), log, time: 1_000, stop });
  assertEquals(log.lines, []);
});

Deno.test("waitForApplication() asks once a second until every address answers", async () => {
  const bench = new Bench();
  await bench.wait((url, now) => now >= (url === ONE.url ? 1_000 : 3_000) ? READY : REFUSED);
  assertEquals(bench.clock.now(), 3_000);
  const times = (url: string) => bench.asked.filter((asked) => asked.endsWith(url)).map(parseFloat);
  assertEquals(times(TWO.url), [0, 1_000, 2_000, 3_000]);
  assertEquals(times(ONE.url), [0, 1_000, 2_000, 3_000]);
});

Deno.test("waitForApplication() logs its start and each address that begins to answer, no warning", async () => {
  const bench = new Bench();
  await bench.wait((url, now) => now >= (url === ONE.url ? 1_000 : 3_000) ? READY : REFUSED);
  assertEquals(bench.log.lines.filter((line) => !line.startsWith("debug")), [
    `info waiting for the application {"wait_for":["${ONE.url}","${TWO.url}"],"timeout":"5m0s"}`,
    `info the application answers {"wait_for":"${ONE.url}","after":"1s"}`,
    `info the application answers {"wait_for":"${TWO.url}","after":"3s"}`,
  ]);
});

Deno.test("waitForApplication() goes on when one ceases to answer before the other begins", async () => {
  const bench = new Bench();
  await bench.wait((url, now) => {
    if (url === TWO.url) return now >= 2_000 ? READY : REFUSED;
    return now === 0 || now >= 5_000 ? READY : BUSY;
  });
  assertEquals(bench.clock.now(), 5_000);
  assert(bench.log.lines.some((line) => line.startsWith("info the application has ceased")));
});

Deno.test("waitForApplication() gives a silent address a second, and asks again", async () => {
  const bench = new Bench();
  await bench.wait((url, now) => url === ONE.url || now >= 2_000 ? READY : "silent");
  assertEquals(bench.clock.now(), 2_000);
});

Deno.test("waitForApplication() fails in time, naming who did not answer, why, and the flag", async () => {
  const bench = new Bench();
  const failure = await assertRejects(
    () => bench.wait((url) => url === ONE.url ? BUSY : REFUSED, 2_500),
    Failure,
  );
  assertEquals(failure.exit, "applicationNeverReady");
  assertEquals(
    failure.message,
    "the application does not answer after 2.5s (-wait-for-timeout): " +
      `${ONE.url} (status 503), ${TWO.url} (connection refused)`,
  );
  assertEquals(bench.clock.now(), 2_500);
});

Deno.test("waitForApplication() does not name an address that answered", async () => {
  const bench = new Bench();
  const wait = () => bench.wait((url) => url === ONE.url ? READY : REFUSED, 2_500);
  const { message } = await assertRejects(wait, Failure);
  assertEquals(message.includes(ONE.url), false);
});

Deno.test("waitForApplication() tells the last whole answer, not the one that the end cut short", async () => {
  const bench = new Bench();
  const wait = () => bench.wait((_, now) => now < 2_000 ? BUSY : "silent", 2_500);
  const { message } = await assertRejects(wait, Failure);
  assertStringIncludes(message, `${ONE.url} (status 503)`);
});

for (const answer of [REFUSED, "silent"] as const) {
  Deno.test(`waitForApplication() is ended by a stop, ${answer === "silent" ? "amid a question" : "between two"}`, async () => {
    const bench = new Bench();
    const reason = new Error("a stop was asked for");
    bench.clock.at(1_500, () => bench.stop.abort(reason));
    const thrown = await bench.wait(() => answer).catch((thrown) => thrown);
    assertEquals([thrown, bench.clock.now()], [reason, 1_500]);
  });
}

Deno.test("waitForApplication() is ended by a stop that comes with the last answer", async () => {
  const bench = new Bench();
  const reason = new Error("a stop was asked for");
  const wait = bench.wait(() => {
    bench.stop.abort(reason);
    return READY;
  });
  assertEquals(await wait.catch((thrown) => thrown), reason);
});

Deno.test("waitForApplication() finds real servers that begin to listen while it waits", async () => {
  const [port, other] = [deadPort(), deadPort()];
  const refused = Promise.withResolvers<void>();
  const options = {
    clock: quick,
    log: new KeptLog(),
    time: 60_000,
    stop: new AbortController().signal,
    onAnswer: () => refused.resolve(),
  };
  const waiting = waitForApplication([tcpAddress(port), httpAddress(other, "/healthz")], options);
  await refused.promise;
  using _listener = Deno.listen({ hostname: "127.0.0.1", port });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: other, onListen: () => {} },
    () => new Response(),
  );
  await waiting;
  await server.shutdown();
});

/** The real time, but that the second between two questions is shorter. */
const quick: Clock = {
  ...systemClock,
  within: (time, ...signals) => systemClock.within(time === 1_000 ? 50 : time, ...signals),
};
