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

/** In how many drains connections came after the end. */
function errorsAt(rate: number, sends: number): number {
  let errors = 0;
  for (let seed = 1; seed <= DRAINS; seed++) {
    const moments = arrivals(rate, sends * SECOND, chance(seed));
    const last = moments.at(-1) ?? 0;
    const end = endOf(moments);
    if (end < last) errors++;
    const late = (rate >= 5 ? 20 : 45) * SECOND + COUNT_EVERY;
    assert(end <= Math.max(FLOOR, last + late), `${rate}/s: ${end - last} ms after the last`);
  }
  return errors;
}

Deno.test("docs/draining.md says how often the silence of clients errs", () => {
  const rows = RATES.map((rate) => [
    `${rate}`,
    ...SENDS.map((sends) => `${errorsAt(rate, sends)} of 1,000 drains`),
  ]);
  assertEquals(tableAfter("docs/draining.md", "<!-- errors:"), rows);
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

/** A health check from each of three nodes, and the kubelet's probe: each every 10 s. */
const CHECKS = [0, 3_300, 3_400, 7_000];
const checksBy = (at: number) =>
  CHECKS.reduce((sum, first) => sum + Math.max(0, Math.floor((at - first) / 10_000) + 1), 0);

Deno.test("checks and probes are no clients: their rate is known from before the service", () => {
  const quiet = new Quiet();
  for (const at of [5, 20, 35, 50, 65]) {
    const accepted = 1_000 + checksBy(at * SECOND);
    quiet.outOfService({ at: at * SECOND, counts: { open: 0, seen: 0, accepted } });
  }
  quiet.inService();
  const looks = (come: number, at: number) => ({ open: 0, seen: 0, accepted: come + checksBy(at) });
  // Nobody: the checks alone hold nothing up.
  assertEquals(endOf([], { quiet, looks }), FLOOR);
  for (const [rate, most] of [[60, 0], [5, 0], [1, 0], [0.5, 4]] as const) {
    let errors = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const moments = arrivals(rate, 180 * SECOND, chance(seed));
      const last = moments.at(-1) ?? 0;
      const end = endOf(moments, { quiet, looks });
      if (end < last) errors++;
      const late = (rate >= 5 ? 45 : 52) * SECOND;
      assert(end <= last + late, `${rate}/s: ${end - last} after the last`);
    }
    assert(errors <= most, `${rate}/s: ${errors} of 200 drains too short`);
  }
});

Deno.test("a rate that was seen for less than 10 s, or with clients, is none", () => {
  const quiet = new Quiet();
  const sample = (at: number, accepted: number) => ({ at, counts: { open: 0, seen: 0, accepted } });
  quiet.outOfService(sample(0, 0));
  quiet.outOfService(sample(9_000, 9));
  assertEquals(quiet.background.rate, 0);
  quiet.inService();
  quiet.outOfService(sample(60_000, 5_000));
  quiet.outOfService(sample(61_000, 5_001));
  assertEquals(quiet.background.rate, 10 / 10_000);
});

Deno.test("a client that is connected holds the silence up", () => {
  const looks = (seen: number, at: number) => ({ open: at < 150 * SECOND ? 1 : 0, seen });
  assertEquals(endOf([], { looks }), 150 * SECOND + SHORTEST - COUNT_EVERY);
});
