/** The application as the sidecar checks it, in virtual time. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Application } from "../../../lib/application/application.ts";
import type { Answer } from "../../../lib/application/probe.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { Failure } from "../../../lib/host/exit.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { BUSY, READY, REFUSED, type Script, scriptedProbe, tcpAddress } from "./_servers.ts";

const [ONE, TWO] = [tcpAddress(1), tcpAddress(2)];

class Bench {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly #checks: Record<string, number[]> = {};
  readonly application: Application;

  constructor(script: Script, { addresses = [ONE, TWO], timeout = 300_000 } = {}) {
    const { clock, log } = this;
    const probe = scriptedProbe(clock, script, this.#checks);
    this.application = new Application({ addresses, timeout, clock, log, probe });
  }

  /** When the first address was checked. */
  get checks(): readonly number[] {
    return this.#checks[ONE.url] ?? [];
  }

  /** Waits for the application, unless the signal ends first. */
  wait(stop: AbortSignal = new AbortController().signal): Promise<void> {
    return this.clock.run(this.application.wait(stop));
  }

  /** What `answers` gives to callers at these moments. */
  answersAt(...moments: readonly number[]): Promise<boolean[]> {
    return this.clock.run(Promise.all(moments.map(async (moment) => {
      await sleep(this.clock.within(moment));
      return await this.application.answers();
    })));
  }

  /** When it was seen to have gone, and to be back; undefined: not within a minute. */
  async restart(): Promise<{ gone?: number; back?: number }> {
    const seen: { gone?: number; back?: number } = {};
    this.log.onLine = () => seen.gone = this.clock.now();
    const restarted = this.application.restarted(this.clock.within(60_000));
    await this.clock.run(restarted.then(() => void (seen.back = this.clock.now()), () => {}));
    return seen;
  }

  /** The log without what is for debugging. */
  get info(): readonly string[] {
    return this.log.lines.filter((line) => !line.startsWith("debug"));
  }
}

Deno.test("wait() checks at once, and no more when all answer; not at all without addresses", async () => {
  const bench = new Bench(() => READY);
  await bench.wait();
  assertEquals([bench.checks, bench.clock.now()], [[0], 0]);
  const none = new Bench(() => READY, { addresses: [] });
  await none.wait();
  assertEquals(none.log.lines, []);
});

Deno.test("wait() checks once a second until every address answers at once", async () => {
  const bench = new Bench((url, now) => {
    if (url === TWO.url) return now >= 3_000 ? READY : now === 2_000 ? "silent" : REFUSED;
    return now === 1_000 || now >= 5_000 ? READY : BUSY;
  });
  await bench.wait();
  assertEquals(bench.checks, [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  assertEquals(bench.info, [
    `info waiting for the application {"wait_for":["${ONE.url}","${TWO.url}"],"timeout":"5m0s"}`,
    `info the application answers {"wait_for":"${ONE.url}","after":"1s"}`,
    `info the application stopped answering {"wait_for":"${ONE.url}","reason":"status 503"}`,
    `info the application answers {"wait_for":"${TWO.url}","after":"3s"}`,
    `info the application answers {"wait_for":"${ONE.url}","after":"5s"}`,
  ]);
});

/** Waits that fail after 2.5 s, and what they say of each address. */
const FAILURES: readonly [name: string, Script, string][] = [
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

for (const [name, answers, complaints] of FAILURES) {
  Deno.test(`wait() fails in time and ${name}`, async () => {
    const bench = new Bench(answers, { timeout: 2_500 });
    const failure = await assertRejects(() => bench.wait(), Failure);
    assertEquals([failure.exit, failure.message, bench.clock.now()], [
      "applicationNeverReady",
      `the application did not answer within 2.5s (-wait-for-timeout): ${complaints}`,
      2_500,
    ]);
  });
}

Deno.test("wait() and restarted() throw a stop's reason at once, whatever they are doing", async () => {
  const reason = new Error("a stop was requested");
  const work: readonly ["wait" | "restarted", Answer | "silent"][] = [
    ["wait", REFUSED],
    ["wait", "silent"],
    ["restarted", REFUSED],
    ["restarted", "silent"],
    ["restarted", READY],
  ];
  for (const [what, answer] of work) {
    const bench = new Bench(() => answer);
    const stop = new AbortController();
    bench.clock.at(2_500, () => stop.abort(reason));
    const end = bench.clock.run(bench.application[what](stop.signal));
    assertEquals(await end.catch((thrown: unknown) => thrown), reason);
    assertEquals(bench.clock.now(), 2_500);
  }
  const stop = new AbortController();
  const bench = new Bench(() => {
    stop.abort(reason);
    return READY;
  });
  assertEquals(await bench.wait(stop.signal).catch((thrown) => thrown), reason, "the last answer");
});

Deno.test("answers() is true only while all addresses answer, and where there are none", async () => {
  const bench = new Bench((url, now) => url === TWO.url && now < 1_000 ? BUSY : READY);
  assertEquals(await bench.answersAt(0, 1_000), [false, true]);
  const none = new Bench(() => BUSY, { addresses: [] });
  assertEquals([await none.answersAt(0), none.application.last()], [[true], []]);
});

Deno.test("answers() makes one check a second, however many callers there are", async () => {
  const bench = new Bench(() => READY);
  const moments = Array.from({ length: 300 }, (_, at) => at * 10);
  assert((await bench.answersAt(...moments)).every((ready) => ready));
  assertEquals(bench.checks, [0, 1_000, 2_000]);
});

Deno.test("answers() takes a second at most, and its answer is never older than two", async () => {
  const silent = new Bench((url) => url === ONE.url ? "silent" : READY);
  assertEquals(await silent.answersAt(0, 100, 999), [false, false, false]);
  assertEquals([silent.checks, silent.clock.now()], [[0], 1_000]);
  const bench = new Bench((_, now) => now === 0 ? READY : "silent");
  assertEquals(await bench.answersAt(0, 999, 1_000), [true, true, false]);
  assertEquals(bench.clock.now(), 2_000);
});

Deno.test("last() reports each address's last answer, false before the first", async () => {
  const bench = new Bench((url) => url === ONE.url ? READY : REFUSED);
  const ready = (...both: readonly boolean[]) =>
    [ONE, TWO].map(({ url }, index) => ({ url, ready: both[index] }));
  assertEquals(bench.application.last(), ready(false, false));
  await bench.answersAt(0);
  assertEquals(bench.application.last(), ready(true, false));
});

/** What an application answers from a moment on, in order; and when it was gone, and back. */
const LIVES: readonly {
  readonly name: string;
  readonly answers: readonly (readonly [from: number, answer: Answer | "silent"])[];
  readonly gone?: number;
  readonly back?: number;
}[] = [
  {
    name: "refuses connections for two seconds",
    answers: [[0, READY], [5_050, REFUSED], [7_050, READY]],
    gone: 5_600,
    back: 12_600,
  },
  {
    name: "is slow to come back",
    answers: [[0, READY], [1_000, REFUSED], [3_000, "silent"], [9_000, BUSY], [12_000, READY]],
    gone: 1_400,
    back: 17_400,
  },
  {
    name: "refuses connections for a quarter of a second",
    answers: [[0, READY], [5_050, REFUSED], [5_300, READY]],
  },
  {
    name: "says for half a minute that it is not ready",
    answers: [[0, READY], [5_000, BUSY], [35_000, READY]],
  },
  {
    name: "keeps silent for half a minute",
    answers: [[0, READY], [5_000, "silent"], [35_000, READY]],
  },
  {
    name: "refuses connections now and then",
    answers: [...Array(50).keys()].map((at) => [at * 300, at % 2 === 0 ? REFUSED : BUSY] as const),
  },
  {
    name: "comes back for four seconds, as in a pod that is deleted while it restarts",
    answers: [[0, READY], [1_000, REFUSED], [3_000, READY], [7_000, REFUSED]],
    gone: 1_400,
  },
  { name: "goes and stays away", answers: [[0, READY], [1_000, REFUSED]], gone: 1_400 },
];

for (const { name, answers, ...seen } of LIVES) {
  Deno.test(`restarted() ${seen.back ? "ends" : "never ends"} when an address ${name}`, async () => {
    const bench = new Bench((url, now) =>
      url === ONE.url ? READY : answers.findLast(([from]) => from <= now)?.[1] ?? READY
    );
    assertEquals(await bench.restart(), seen);
    const mostAtOnce = Math.max(
      ...bench.checks.map((end) =>
        bench.checks.filter((at) => at > end - 1_000 && at <= end).length
      ),
    );
    assert(mostAtOnce <= 6, `it checks ${mostAtOnce} times a second`);
  });
}

Deno.test("restarted() counts no check twice, though others check meanwhile", async () => {
  const bench = new Bench((_, now) => now < 300 ? REFUSED : READY);
  const others = bench.answersAt(100, 150, 250);
  assertEquals([await bench.restart(), await others], [{}, [false, false, false]]);
});

Deno.test("restarted() waits for ever where nothing is known of the application", async () => {
  const { clock, application } = new Bench(() => READY, { addresses: [] });
  await assertRejects(
    () => clock.run(application.restarted(clock.within(86_400_000))),
    DOMException,
  );
  assertEquals(clock.now(), 86_400_000);
});

Deno.test("its connections to the pod itself are counted, those to other hosts are not", async () => {
  const addresses = ["localhost", "[::1]", "10.0.0.1", "10.0.0.2", "db.internal"]
    .map((host) => ({ kind: "http", url: `http://${host}:8080/` }) as const);
  const options = { addresses, timeout: 10_000, clock: new VirtualClock(), log: new KeptLog() };
  const podHosts = ["localhost", "::1", "10.0.0.1"];
  let answer: Answer = { outcome: "ready" };
  const probe = () => Promise.resolve(answer);
  const application = new Application({ ...options, podHosts, probe });
  await options.clock.run(application.wait(new AbortController().signal));
  assertEquals(application.connectionsInPod, 3);
  // A connection that is answered with 503 is one too; a refused one is none.
  for (const outcome of ["unready", "refused"] as const) {
    answer = { outcome, reason: "" };
    await options.clock.pass(5_000);
    assertEquals(await application.answers(), false);
    assertEquals(application.connectionsInPod, 6);
  }
});
