/** Waits while the garbage collector runs; prints "ended" if the wait has an end. */
import { sleep, systemClock } from "../../../../lib/host/clock.ts";

declare const gc: () => void;
const stop = new AbortController();
const collecting = setInterval(() => gc(), 20);
await sleep(systemClock.within(200, stop.signal));
await sleep(systemClock.within(200, systemClock.within(60_000, stop.signal)));
clearInterval(collecting);
console.log("ended");
Deno.exit();
