/** Waiting for the application, in virtual time. */
import { assertEquals, assertRejects } from "@std/assert";
import { waitForApplication } from "../../../lib/application/application.ts";
import { Failure } from "../../../lib/host/exit.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { BUSY, READY, REFUSED, type Script, scriptedProbe, tcpAddress } from "./_servers.ts";

const [ONE, TWO] = [tcpAddress(1), tcpAddress(2)];

class Bench {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly stop = new AbortController();
  /** When each address was checked. */
  readonly checks: Record<string, number[]> = {};
  readonly reported: string[] = [];

  wait(answer: Script, time = 300_000): Promise<void> {
    const { clock, log } = this;
    const probe = scriptedProbe(clock, answer, this.checks);
    const onAnswer = (url: string, ready: boolean) => this.reported.push(`${url} ${ready}`);
    const options = { clock, log, time, stop: this.stop.signal, onAnswer, probe };
    return clock.run(waitForApplication([ONE, TWO], options));
  }

  /** The log without what is for debugging. */
  get info(): readonly string[] {
    return this.log.lines.filter((line) => !line.startsWith("debug"));
  }
}

Deno.test("waitForApplication() checks at once, and no more when all answer", async () => {
  const bench = new Bench();
  await bench.wait(() => READY);
  assertEquals(bench.checks, { [ONE.url]: [0], [TWO.url]: [0] });
  assertEquals(bench.reported, [`${ONE.url} true`, `${TWO.url} true`]);
});

Deno.test("waitForApplication() does nothing without addresses", async () => {
  const log = new KeptLog();
  const stop = new AbortController().signal;
  await waitForApplication([], { clock: new VirtualClock(), log, time: 1_000, stop });
  assertEquals(log.lines, []);
});

Deno.test("waitForApplication() checks once a second until every address answers at once", async () => {
  const bench = new Bench();
  await bench.wait((url, now) => {
    if (url === TWO.url) return now >= 3_000 ? READY : now === 2_000 ? "silent" : REFUSED;
    return now === 1_000 || now >= 5_000 ? READY : BUSY;
  });
  const seconds = [0, 1_000, 2_000, 3_000, 4_000, 5_000];
  assertEquals(bench.checks, { [ONE.url]: seconds, [TWO.url]: seconds });
  assertEquals(bench.info, [
    `info waiting for the application {"wait_for":["${ONE.url}","${TWO.url}"],"timeout":"5m0s"}`,
    `info the application answers {"wait_for":"${ONE.url}","after":"1s"}`,
    `info the application stopped answering {"wait_for":"${ONE.url}","reason":"status 503"}`,
    `info the application answers {"wait_for":"${TWO.url}","after":"3s"}`,
    `info the application answers {"wait_for":"${ONE.url}","after":"5s"}`,
  ]);
});

/** Waits that fail after 2.5 s, and what they say of each address. */
const FAILURES: readonly [name: string, answer: Script, complaints: string][] = [
  [
    "names the addresses that did not answer, and why",
    (url) => url === ONE.url ? BUSY : REFUSED,
    `${ONE.url} (status 503), ${TWO.url} (connection refused)`,
  ],
  [
    "does not name an address that answered",
    (url) => url === ONE.url ? READY : REFUSED,
    `${TWO.url} (connection refused)`,
  ],
  [
    "gives the last whole answer, not the one that the end cut short",
    (url, now) => url === ONE.url ? READY : now < 2_000 ? BUSY : "silent",
    `${TWO.url} (status 503)`,
  ],
];

for (const [name, answer, complaints] of FAILURES) {
  Deno.test(`waitForApplication() fails in time and ${name}`, async () => {
    const bench = new Bench();
    const failure = await assertRejects(() => bench.wait(answer, 2_500), Failure);
    assertEquals([failure.exit, failure.message, bench.clock.now()], [
      "applicationNeverReady",
      `the application did not answer within 2.5s (-wait-for-timeout): ${complaints}`,
      2_500,
    ]);
  });
}

Deno.test("waitForApplication() is ended at once by a stop, whatever it is doing", async () => {
  const reason = new Error("a stop was requested");
  for (const answer of [REFUSED, "silent"] as const) {
    const bench = new Bench();
    bench.clock.at(1_500, () => bench.stop.abort(reason));
    const thrown = await bench.wait(() => answer).catch((thrown) => thrown);
    assertEquals([thrown, bench.clock.now()], [reason, 1_500]);
  }
  const bench = new Bench();
  const wait = bench.wait(() => {
    bench.stop.abort(reason);
    return READY;
  });
  assertEquals(await wait.catch((thrown) => thrown), reason, "it comes with the last answer");
});
