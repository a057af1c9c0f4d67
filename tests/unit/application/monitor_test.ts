/** The check of the application that many ask for, in virtual time. */
import { assertEquals, assertRejects } from "@std/assert";
import { ApplicationMonitor } from "../../../lib/application/monitor.ts";
import type { Answer, Probe } from "../../../lib/application/probe.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { tcpAddress } from "./_servers.ts";

const READY: Answer = { outcome: "ready" };
const REFUSED: Answer = { outcome: "absent", reason: "connection refused" };
const BUSY: Answer = { outcome: "unready", reason: "status 503" };

const [ONE, TWO] = [tcpAddress(1), tcpAddress(2)];
const FOR_EVER = new AbortController().signal;

class Bench {
  readonly clock = new VirtualClock();
  /** When the first address was asked. */
  readonly asked: number[] = [];
  readonly check: ApplicationMonitor;

  /** @param answer What an address answers at a moment. */
  constructor(answer: (now: number, url: string) => Answer | "silent") {
    const { clock } = this;
    const probe: Probe = async ({ url }, signal) => {
      if (url === ONE.url) this.asked.push(clock.now());
      const given = answer(clock.now(), url);
      if (given !== "silent") return given;
      await sleep(signal);
      return { outcome: "unready", reason: "no answer in time" };
    };
    this.check = new ApplicationMonitor([ONE, TWO], { clock, probe });
  }

  /** Runs something at a moment of its own. */
  async at<T>(moment: number, action: () => Promise<T>): Promise<T> {
    await sleep(this.clock.within(moment - this.clock.now()));
    return await action();
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }
}

Deno.test("answers() is true only while all addresses answer", async () => {
  const bench = new Bench((now, url) => url === TWO.url && now < 1_000 ? BUSY : READY);
  assertEquals(await bench.run(bench.check.answers()), false);
  assertEquals(await bench.run(bench.at(1_000, () => bench.check.answers())), true);
});

Deno.test("answers() is true where there is nothing to ask", async () => {
  const clock = new VirtualClock();
  const check = new ApplicationMonitor([], { clock });
  assertEquals([await clock.run(check.answers()), check.last()], [true, []]);
});

Deno.test("answers() makes one check a second, however many ask", async () => {
  const bench = new Bench(() => READY);
  const many = Array.from(
    { length: 300 },
    (_, at) => bench.at(at * 10, () => bench.check.answers()),
  );
  assertEquals((await bench.run(Promise.all(many))).every((ready) => ready), true);
  assertEquals(bench.asked, [0, 1_000, 2_000]);
});

Deno.test("answers() joins a check that is under way", async () => {
  const bench = new Bench((_, url) => url === ONE.url ? "silent" : READY);
  const all = Promise.all([0, 100, 999].map((at) => bench.at(at, () => bench.check.answers())));
  assertEquals(await bench.run(all), [false, false, false]);
  assertEquals(bench.asked, [0]);
});

Deno.test("answers() answers within a second where the application keeps silent", async () => {
  const bench = new Bench(() => "silent");
  assertEquals(await bench.run(bench.check.answers()), false);
  assertEquals(bench.clock.now(), 1_000);
});

Deno.test("answers() never gives an answer from a check that began two seconds ago or more", async () => {
  let ready = true;
  const bench = new Bench(() => ready ? READY : "silent");
  assertEquals(await bench.run(bench.check.answers()), true);
  ready = false;
  assertEquals(await bench.run(bench.at(999, () => bench.check.answers())), true);
  assertEquals(await bench.run(bench.at(1_000, () => bench.check.answers())), false);
  assertEquals(bench.clock.now(), 2_000);
});

Deno.test("last() tells each address's last answer, false before the first", async () => {
  const bench = new Bench((_, url) => url === ONE.url ? READY : REFUSED);
  const of = (one: boolean, two: boolean) => [
    { url: ONE.url, ready: one },
    { url: TWO.url, ready: two },
  ];
  assertEquals(bench.check.last(), of(false, false));
  bench.check.record(TWO.url, true);
  assertEquals(bench.check.last(), of(false, true));
  await bench.run(bench.check.answers());
  assertEquals(bench.check.last(), of(true, false));
});

Deno.test("untilGone() ends when nobody takes connections at one of the addresses", async () => {
  const bench = new Bench((now, url) => now >= 900 && url === TWO.url ? REFUSED : READY);
  await bench.run(bench.check.untilGone(FOR_EVER));
  assertEquals(bench.clock.now(), 1_000);
  assertEquals(bench.asked, [0, 200, 400, 600, 800, 1_000]);
});

Deno.test("untilGone() notices an application that is back after a quarter of a second", async () => {
  const bench = new Bench((now) => now >= 5_050 && now < 5_300 ? REFUSED : READY);
  await bench.run(bench.check.untilGone(FOR_EVER));
  assertEquals(bench.clock.now(), 5_200);
});

Deno.test("untilGone() takes no unready answers for gone, unless for two seconds without a break", async () => {
  const spans = [[1_000, 2_900], [4_000, 5_900], [7_000, 9_900]] as const;
  const isBusy = (now: number) => spans.some(([from, to]) => now >= from && now < to);
  const bench = new Bench((now) => isBusy(now) ? BUSY : READY);
  await bench.run(bench.check.untilGone(FOR_EVER));
  assertEquals(bench.clock.now(), 9_000);
});

Deno.test("untilGone() counts no check twice, though others ask meanwhile", async () => {
  const bench = new Bench((now) => now < 2_000 ? BUSY : READY);
  const others = [500, 550, 1_550].map((at) => bench.at(at, () => bench.check.answers()));
  const end = bench.at(10_000, () => Promise.resolve("still there"));
  const gone = bench.at(600, () => bench.check.untilGone(FOR_EVER)).then(() => "gone");
  assertEquals(await bench.run(Promise.race([gone, end])), "still there");
  await Promise.all(others);
});

Deno.test("untilBack() ends when all addresses answer", async () => {
  const bench = new Bench((now, url) => now < (url === ONE.url ? 2_000 : 4_000) ? REFUSED : READY);
  await bench.run(bench.check.untilBack(FOR_EVER));
  assertEquals(bench.clock.now(), 4_000);
});

for (const wait of ["untilGone", "untilBack"] as const) {
  Deno.test(`${wait}() throws the reason of its signal, at once, however it stands`, async () => {
    const bench = new Bench(() => wait === "untilGone" ? READY : REFUSED);
    const controller = new AbortController();
    bench.clock.at(2_500, () => controller.abort(new Error("a stop was asked for")));
    await assertRejects(
      () => bench.run(bench.check[wait](controller.signal)),
      Error,
      "a stop was asked for",
    );
    assertEquals(bench.clock.now(), 2_500);
    await assertRejects(() => bench.check[wait](AbortSignal.abort(new Error("no"))), Error, "no");
  });
}
