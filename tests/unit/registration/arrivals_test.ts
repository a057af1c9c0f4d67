/** How often the silence of clients is taken for their end, and how long after it that is noticed. */
import { assert, assertEquals } from "@std/assert";
import type { Counts } from "../../../lib/host/connections.ts";
import { Quiet, Silence } from "../../../lib/registration/arrivals.ts";
import { tableAfter } from "../docs/_docs.ts";

const SECOND = 1_000;
const COUNT_EVERY = 100;
const FLOOR = 120 * SECOND;
const SHORTEST = 15 * SECOND;

/** The same numbers each time: mulberry32. */
function chance(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Moments of connections that come independently of each other, `rate` a second. */
function arrivals(rate: number, until: number, random: () => number): number[] {
  const moments: number[] = [];
  for (let at = 0;;) {
    at -= Math.log(1 - random()) / rate * SECOND;
    if (at >= until) return moments;
    moments.push(at);
  }
}

/** When a drain ends that saw these moments and no connection open; the floor counts from 0. */
function endOf(
  moments: readonly number[],
  { quiet = new Quiet(), looks = (seen: number, _at: number): Counts => ({ open: 0, seen }) } = {},
): number {
  let seen = 0;
  const look = (at: number) => {
    while ((moments[seen] ?? Infinity) <= at) seen++;
    return { at, counts: looks(seen, at) };
  };
  const silence = new Silence(SHORTEST, quiet, look(0));
  for (let at = COUNT_EVERY;; at += COUNT_EVERY) {
    silence.take(look(at));
    if (silence.isOver && at >= FLOOR) return at;
    assert(at < 3_600 * SECOND, "the drain does not end");
  }
}

const RATES = [60, 5, 1, 0.2];
const SENDS = [140, 180, 300];
const DRAINS = 1_000;

/** A health check from each of three nodes, and the kubelet's probe: each every 10 s. */
const CHECKS = [0, 3_300, 3_400, 7_000];
const checksBy = (at: number) =>
  CHECKS.reduce((sum, first) => sum + Math.max(0, Math.floor((at - first) / 10_000) + 1), 0);

/** What the counter shows of clients and checks, and what is known of the checks. */
function amongChecks() {
  const quiet = new Quiet();
  for (const at of [5, 20, 35, 50, 65]) {
    const accepted = 1_000 + checksBy(at * SECOND);
    quiet.outOfService({ at: at * SECOND, counts: { open: 0, seen: 0, accepted } });
  }
  quiet.inService();
  const looks = (come: number, at: number) => ({ open: 0, seen: 0, accepted: come + checksBy(at) });
  return { quiet, looks };
}

/** In how many drains connections came after the end, and by how much the last drain was late. */
function errorsAt(rate: number, sends: number, among = {}): number {
  let errors = 0;
  for (let seed = 1; seed <= DRAINS; seed++) {
    const moments = arrivals(rate, sends * SECOND, chance(seed));
    const last = moments.at(-1) ?? 0;
    const end = endOf(moments, among);
    if (end < last) errors++;
    const isAlone = Object.keys(among).length === 0;
    const late = isAlone ? (rate >= 5 ? 20 : 45) : 55;
    assert(
      end <= Math.max(FLOOR, last + late * SECOND + COUNT_EVERY),
      `${rate}/s: ${end - last} ms after the last`,
    );
  }
  return errors;
}

Deno.test("docs/draining.md says how often the silence of clients errs", () => {
  const row = (rate: number, what: string, among = {}) => [
    `${rate}${what}`,
    ...SENDS.map((sends) => `${errorsAt(rate, sends, among)} of 1,000 drains`),
  ];
  assertEquals(tableAfter("docs/draining.md", "<!-- errors:"), [
    ...RATES.map((rate) => row(rate, "")),
    ...[1, 0.5, 0.2].map((rate) => row(rate, ", among checks", amongChecks())),
  ]);
});

Deno.test("docs/draining.md says what a minimum costs and avoids where nothing is seen", () => {
  const rows = [120, 180].map((minimum) => [
    `\`${minimum / 60}m0s\``,
    ...[120, ...SENDS].map((sends) => `${Math.max(0, sends - minimum)}`),
    `${minimum}`,
  ]);
  assertEquals(tableAfter("docs/draining.md", "<!-- minimum:"), rows);
});

Deno.test("where nobody comes, the minimum is all", () => {
  assertEquals(endOf([]), FLOOR);
});

Deno.test("as nodes of the load balancer stop one by one, the others are waited for", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = chance(seed);
    const [fast, slow] = [arrivals(60, 20 * SECOND, random), arrivals(0.5, 200 * SECOND, random)];
    const moments = [...fast, ...slow].sort((one, other) => one - other);
    const end = endOf(moments);
    assert(end > (moments.at(-1) ?? 0), `seed ${seed}: ${end}`);
  }
});

Deno.test("checks and probes alone hold no drain up, whatever their periods are, but for a while", () => {
  let late = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const random = chance(seed);
    const sources = Array.from({ length: 1 + Math.floor(6 * random()) }, () => {
      const period = [5, 10, 15, 30][Math.floor(4 * random())] ?? 10;
      return { period, first: random() * period };
    });
    const by = (seconds: number) =>
      sources.reduce((sum, { period, first }) => sum + Math.floor((seconds + first) / period), 0);
    const quiet = new Quiet();
    const known = 45 + 135 * random();
    for (let at = 0; at < known; at += 7 + 8 * random()) {
      quiet.outOfService({ at: at * SECOND, counts: { open: 0, seen: 0, accepted: by(at) } });
    }
    const began = known + 1_000 * random();
    const looks = (_: number, at: number) => ({
      ...{ open: 0, seen: 0, accepted: by(began + at / SECOND) },
    });
    const end = endOf([], { quiet, looks });
    if (end > FLOOR) late++;
    assert(end <= FLOOR + 60 * SECOND, `seed ${seed}: ${end}`);
  }
  assert(late <= 50, `${late} of 500 drains`);
});

Deno.test("where the counter turns out to be that of others too, the table is what counts", () => {
  const { quiet } = amongChecks();
  const last = 170 * SECOND;
  const looks = (_: number, at: number) => ({
    ...{ open: 0, seen: Math.floor(Math.min(at, last) / SECOND) },
    ...(at < 60 * SECOND && { accepted: 1_000 + checksBy(at) }),
  });
  assertEquals(endOf([], { quiet, looks }), last + 3 * SHORTEST);
});

Deno.test("a rate that was seen for less than 30 s, or with clients, is none", () => {
  const quiet = new Quiet();
  const sample = (at: number, accepted: number) => ({ at, counts: { open: 0, seen: 0, accepted } });
  quiet.outOfService(sample(0, 0));
  quiet.outOfService(sample(29_000, 29));
  assertEquals(quiet.background, { seen: 0, accepted: undefined });
  quiet.inService();
  quiet.outOfService(sample(60_000, 5_000));
  quiet.outOfService(sample(61_000, 5_001));
  assertEquals(quiet.background, { seen: 0, accepted: 30 / 30_000 });
});

Deno.test("a client that is connected holds the silence up", () => {
  const looks = (seen: number, at: number) => ({ open: at < 150 * SECOND ? 1 : 0, seen });
  assertEquals(endOf([], { looks }), 150 * SECOND + SHORTEST - COUNT_EVERY);
});

Deno.test("clients that come before the target is healthy are no checks", () => {
  const quiet = new Quiet();
  for (const at of [0, 15, 30, 45]) {
    const counts = { open: 0, seen: 2 * at, accepted: 3 * at };
    quiet.outOfService({ at: at * SECOND, counts });
  }
  quiet.inService();
  const looks = (come: number) => ({ open: 0, seen: come, accepted: come });
  const random = chance(1);
  const moments = arrivals(2, 300 * SECOND, random);
  assert(endOf(moments, { quiet, looks }) > (moments.at(-1) ?? 0), "they are waited for");
});
