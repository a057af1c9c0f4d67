/** Credentials that are good at any time, and not only right after a call. */
import { type Clock, sleep } from "../../host/clock.ts";
import type { Milliseconds } from "../../host/duration.ts";

/** Credentials, as far as their renewal needs to know them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiration?: Date;
  /** The SDK's marks of where they come from. */
  readonly $source?: object;
}

/** Gives credentials: those it has, or new ones when these are about to expire. */
export type CredentialsSource = () => Promise<Credentials>;

/** Whether their source gives others after some time; the environment of a process never does. */
export function areTemporary({ expiration, $source = {} }: Credentials): boolean {
  return expiration !== undefined && !("CREDENTIALS_ENV_VARS" in $source);
}

/** The SDK renews credentials that are asked for when less than this is left of them. */
const RENEWED_BEFORE_END: Milliseconds = 5 * 60_000;
/** Asking again and again is for those that do not last, or cannot be renewed at the moment. */
const SHORTEST_PAUSE: Milliseconds = 60_000;

/**
 * Asks for credentials whenever they are due, so that a call after hours of idling need not fetch
 * them first. Ends with the signal, or when it sees credentials that never expire. Never throws: the
 * next call tells what is wrong.
 */
export async function keepFresh(
  credentials: () => Promise<Pick<Credentials, "expiration">>,
  clock: Clock,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const expiration = await credentials().then(({ expiration }) => expiration, () => "unknown");
    if (expiration === undefined) return;
    const pause = expiration instanceof Date ? untilDue(expiration) : SHORTEST_PAUSE;
    await sleep(clock.within(pause, ended));
  }
}

/** A little later than the SDK's limit: then it does renew them. */
function untilDue(expiration: Date): Milliseconds {
  const left = expiration.getTime() - Date.now();
  return Math.max(SHORTEST_PAUSE, left - RENEWED_BEFORE_END + 1_000);
}
