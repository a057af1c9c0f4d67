/** What users do with a connection to a service that answers each line with the same line. */
import { pause } from "../../emulator/pause.ts";
import { Fault } from "./user.ts";
import type { UserConnection } from "./user.ts";

/** A line for every number, each of its own. */
export type Lines = (number: number) => Uint8Array;

/** How a visit ended that did not fail. */
export type VisitEnding =
  | "done"
  /** The other side ended the connection while nothing was unanswered. */
  | "ended-by-service";

/** Lines of so many bytes that begin with a name. */
export function linesOf(name: string, bytes: number): Lines {
  const encoder = new TextEncoder();
  return (number) => encoder.encode(`${name} ${number} `.padEnd(bytes - 1, "abcdefghij") + "\n");
}

/** Asks once. */
export async function short(connection: UserConnection, lines: Lines): Promise<VisitEnding> {
  const line = lines(0);
  await connection.send(line);
  if (!await connection.receive(line)) throw new Fault("cut", "no answer came");
  return "done";
}

/** How many lines are sent before the user ends its side. */
const BEFORE_THE_END = 8;

/** Sends, ends its side, and reads the answer to the end. */
export async function halfClosed(connection: UserConnection, lines: Lines): Promise<VisitEnding> {
  const sent = Array.from({ length: BEFORE_THE_END }, (_, number) => lines(number));
  for (const line of sent) await connection.send(line);
  await connection.end();
  for (const [number, line] of sent.entries()) {
    if (!await connection.receive(line)) throw new Fault("cut", `${number} answers came`);
  }
  await connection.receiveEnd();
  return "done";
}

/** How a lasting visit goes. */
export interface LastingVisit {
  /** Between one line and the next, whether or not it was answered, in milliseconds. */
  readonly every: number;
  /** How long it asks, in milliseconds. */
  readonly life: number;
  /** Ends it sooner. */
  readonly stop: AbortSignal;
}

/** Sends lines all the time while answers come, and ends as the half-closed one does. */
export async function lasting(
  connection: UserConnection,
  lines: Lines,
  visit: LastingVisit,
): Promise<VisitEnding> {
  const over = new AbortController();
  const progress = { sent: 0, asking: true };
  const asking = ask(connection, lines, { ...visit, over: over.signal }, progress);
  const receiving = receiveAll(connection, lines, progress);
  // Once the one has failed, nobody waits for the other.
  receiving.catch(() => {});
  try {
    // Whichever fails first says what went wrong; the other then only follows.
    await Promise.race([receiving, asking.then(() => receiving)]);
  } finally {
    over.abort();
    await asking.catch(() => {});
  }
  return progress.asking ? "ended-by-service" : "done";
}

interface Progress {
  sent: number;
  asking: boolean;
}

async function ask(
  connection: UserConnection,
  lines: Lines,
  { every, life, stop, over }: LastingVisit & { readonly over: AbortSignal },
  progress: Progress,
): Promise<void> {
  const end = AbortSignal.any([stop, over]);
  const until = performance.now() + life;
  do {
    await connection.send(lines(progress.sent++));
  } while (await pause(every, end) && performance.now() < until);
  if (over.aborted) return;
  progress.asking = false;
  await connection.end();
}

async function receiveAll(
  connection: UserConnection,
  lines: Lines,
  progress: Progress,
): Promise<void> {
  let answered = 0;
  while (await connection.receive(lines(answered))) answered++;
  const missing = progress.sent - answered;
  if (missing > 0) throw new Fault("cut", `${missing} of ${progress.sent} lines were not answered`);
}
