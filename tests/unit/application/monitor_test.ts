/** The check of the application that all callers share, in virtual time. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApplicationMonitor } from "../../../lib/application/monitor.ts";
import type { Answer } from "../../../lib/application/probe.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { BUSY, READY, REFUSED, type Script, scriptedProbe, tcpAddress } from "./_servers.ts";

const [ONE, TWO] = [tcpAddress(1), tcpAddress(2)];

class Bench {
  readonly clock = new VirtualClock();
  readonly #checks: Record<string, number[]> = {};
  readonly monitor: ApplicationMonitor;

  constructor(answer: Script) {
    const { clock } = this;
    const probe = scriptedProbe(clock, answer, this.#checks);
    this.monitor = new ApplicationMonitor([ONE, TWO], { clock, probe });
  }

  /** When the first address was checked. */
  get checks(): readonly number[] {
    return this.#checks[ONE.url] ?? [];
  }

  /** What `answers` gives to callers at these moments. */
  answersAt(...moments: readonly number[]): Promise<boolean[]> {
    return this.clock.run(Promise.all(moments.map(async (moment) => {
      await sleep(this.clock.within(moment));
      return await this.monitor.answers();
    })));
  }

  /** When it was seen to have gone, and to be back; undefined: not before an end of a minute. */
  async restart(): Promise<{ gone?: number; back?: number }> {
    const end = this.clock.within(60_000);
    let gone: number | undefined;
    const restarted = this.monitor.restarted(end, () => gone = this.clock.now());
    const back = await this.clock.run(restarted.then(() => this.clock.now(), () => undefined));
    return { ...(gone !== undefined && { gone }), ...(back !== undefined && { back }) };
  }
}

Deno.test("answers() is true only while all addresses answer, and where there are none", async () => {
  const bench = new Bench((url, now) => url === TWO.url && now < 1_000 ? BUSY : READY);
  assertEquals(await bench.answersAt(0, 1_000), [false, true]);
  const clock = new VirtualClock();
  const none = new ApplicationMonitor([], { clock });
  assertEquals([await clock.run(none.answers()), none.last()], [true, []]);
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
  const ready = () => bench.monitor.last().map(({ ready }) => ready);
  assertEquals(ready(), [false, false]);
  bench.monitor.record(TWO.url, true);
  assertEquals(ready(), [false, true]);
  await bench.answersAt(0);
  assertEquals(ready(), [true, false]);
  assertEquals(bench.monitor.last().map(({ url }) => url), [ONE.url, TWO.url]);
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
    const pauses = bench.checks.map((moment, at) => moment - (bench.checks[at - 1] ?? -200));
    assert(pauses.every((pause) => pause >= 200), "it checks five times a second at most");
  });
}

Deno.test("restarted() counts no check twice, though others check meanwhile", async () => {
  const bench = new Bench((_, now) => now < 300 ? REFUSED : READY);
  const others = bench.answersAt(100, 150, 250);
  assertEquals([await bench.restart(), await others], [{}, [false, false, false]]);
});

Deno.test("restarted() throws its signal's reason at once, and waits for ever for no application", async () => {
  for (const answer of [READY, REFUSED, "silent"] as const) {
    const bench = new Bench(() => answer);
    const stop = new AbortController();
    bench.clock.at(2_500, () => stop.abort(new Error("stop")));
    await assertRejects(() => bench.clock.run(bench.monitor.restarted(stop.signal)), Error, "stop");
    assertEquals(bench.clock.now(), 2_500);
  }
  const clock = new VirtualClock();
  const none = new ApplicationMonitor([], { clock });
  await assertRejects(() => clock.run(none.restarted(clock.within(86_400_000))), DOMException);
  assertEquals(clock.now(), 86_400_000);
});
