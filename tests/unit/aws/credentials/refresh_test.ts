import { assertEquals } from "@std/assert";
import { keepFresh } from "../../../../lib/aws/credentials/refresh.ts";
import { VirtualClock } from "../../../simulation/clock.ts";

const MINUTE = 60_000;

/** When credentials are asked for, in minutes, if each time they last so long from then on. */
async function asksAt(lifetimes: readonly (number | undefined | "refused")[]): Promise<number[]> {
  const clock = new VirtualClock();
  const ended = new AbortController();
  const at: number[] = [];
  const credentials = () => {
    at.push(Math.round(clock.now() / MINUTE));
    const lifetime = lifetimes[at.length - 1];
    if (at.length === lifetimes.length) ended.abort();
    if (lifetime === "refused") return Promise.reject(new Error("refused"));
    if (lifetime === undefined) return Promise.resolve({});
    return Promise.resolve({ expiration: new Date(Date.now() + lifetime * MINUTE) });
  };
  await clock.run(keepFresh(credentials, clock, ended.signal));
  return at;
}

Deno.test("credentials are renewed in time, and after an error; once a minute at most", async () => {
  const cases: readonly (readonly [Parameters<typeof asksAt>[0], readonly number[]])[] = [
    // Five minutes before they expire, again and again.
    [[60, 60, 15, 60], [0, 55, 110, 120]],
    // Never, where they do not expire.
    [[undefined, 60], [0]],
    // A minute after they could not be had.
    [[60, "refused", "refused", 60], [0, 55, 56, 57]],
    // Where they hardly last.
    [[1, 0, -5, 60], [0, 1, 2, 3]],
  ];
  for (const [lifetimes, times] of cases) assertEquals(await asksAt(lifetimes), times);
});
