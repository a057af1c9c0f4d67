/** Keeps credentials valid between calls. */
import { type Clock, sleep } from "../../host/clock.ts";
import type { Milliseconds } from "../../host/duration.ts";

/** Credentials, with what their renewal depends on. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiration?: Date;
  /** The SDK's marks of where they come from. */
  readonly $source?: object;
}

/** Returns credentials: cached ones, or new ones if these are about to expire. */
export type CredentialsSource = () => Promise<Credentials>;

/** Whether their source issues others later; the environment of a process never does. */
export function areTemporary({ expiration, $source = {} }: Credentials): boolean {
  return expiration !== undefined && !("CREDENTIALS_ENV_VARS" in $source);
}

/** The SDK renews credentials at a call when less than this is left of them. */
const RENEWED_BEFORE_END: Milliseconds = 5 * 60_000;
/** For credentials that hardly last, or cannot be renewed at the moment. */
const SHORTEST_PAUSE: Milliseconds = 60_000;

/**
 * Renews credentials whenever they are due, so that a call after idle hours need not fetch them
 * first. Ends with the signal, or at credentials that never expire. Never throws: the next call
 * reports what is wrong.
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

/** A little after the SDK's limit: then the SDK renews them. */
function untilDue(expiration: Date): Milliseconds {
  const left = expiration.getTime() - Date.now();
  return Math.max(SHORTEST_PAUSE, left - RENEWED_BEFORE_END + 1_000);
}
