/**
 * Ends all processes of a group. What made a group or session of its own (`setsid`, `set -m`) is
 * out of reach: finding it takes `/proc`, which Deno opens to programs with all permissions only.
 */
import { type Clock, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";

/** How long a group has to end in its own way, between SIGTERM and SIGKILL. */
const KILL_AFTER: Milliseconds = 1_000;

/** How long the system gets to carry out a SIGKILL. */
const KILL_TAKES: Milliseconds = 100;

/**
 * Sends SIGTERM to the group, and SIGKILL to what is left of it a second later.
 *
 * No other group gets its number while one process is in it, be it dead and not yet reaped; once
 * the group is seen to be empty nothing is sent to it any more.
 * @param id The id of the process that leads or led the group.
 * @param reap Reaps what is dead of the group, as far as that may be done now.
 * @throws {Error} The processes that are left changed their user, and may not be signalled.
 */
export async function endGroup(id: number, clock: Clock, reap: () => void): Promise<void> {
  const isGoneWithin = async (time: Milliseconds) => {
    const end = clock.now() + time;
    for (let pause = 2; clock.now() < end; pause = Math.min(2 * pause, 50)) {
      reap();
      // A stopped process acts on SIGTERM once it is continued: systemd.kill(5) does the same.
      if (!signalGroup(id, "SIGCONT")) return true;
      await sleep(clock.within(Math.min(pause, end - clock.now())));
    }
    return false;
  };
  if (!signalGroup(id, "SIGTERM") || await isGoneWithin(KILL_AFTER)) return;
  if (!signalGroup(id, "SIGKILL")) return;
  // Dead processes that cannot be reaped stay in the group for good. So this wait is a short one:
  // SIGKILL leaves nothing to find out.
  await isGoneWithin(KILL_TAKES);
}

/** @returns Whether any process was in the group. */
function signalGroup(id: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(-id, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
