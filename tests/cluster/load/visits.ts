/** What users do with a connection to a service that answers each line with the same line. */
import { pause } from "../../emulator/pause.ts";
import { type UserConnection, UserError } from "./user.ts";

/** A line for every number, each of its own. */
export type Lines = (number: number) => Uint8Array;

/** Lines of 256 bytes that begin with a name. */
export function numberedLines(name: string): Lines {
  const encoder = new TextEncoder();
  return (number) => encoder.encode(`${name} ${number} `.padEnd(255, "abcdefghij") + "\n");
}

/** Asks once. */
export async function short(connection: UserConnection, lines: Lines): Promise<void> {
  connection.send(lines(0));
  if (!await connection.receive(lines(0))) throw new UserError("cut", "no answer came");
}

/** Sends eight lines, ends its side, and reads the answer to the end. */
export async function halfClosed(connection: UserConnection, lines: Lines): Promise<void> {
  const sent = Array.from({ length: 8 }, (_, number) => lines(number));
  for (const line of sent) connection.send(line);
  connection.end();
  for (const [number, line] of sent.entries()) {
    if (!await connection.receive(line)) throw new UserError("cut", `${number} answers came`);
  }
  await connection.receiveEnd();
}

/** How a lasting visit goes, in milliseconds. */
export interface LastingVisit {
  /** Between one line and the next, whether or not it was answered. */
  readonly every: number;
  readonly time: number;
  /** Ends it sooner. */
  readonly stop: AbortSignal;
}

/**
 * Sends lines all the time while answers come, and ends as the half-closed one does. A service may
 * end the connection while all is answered.
 */
export async function lasting(
  connection: UserConnection,
  lines: Lines,
  { every, time, stop }: LastingVisit,
): Promise<void> {
  const over = new AbortController();
  const end = AbortSignal.any([stop, over.signal]);
  let sent = 0;
  const ask = async () => {
    const until = performance.now() + time;
    do connection.send(lines(sent++)); while (await pause(every, end) && performance.now() < until);
    if (!over.signal.aborted) connection.end();
  };
  const receive = async () => {
    let answered = 0;
    while (await connection.receive(lines(answered))) answered++;
    if (sent > answered) throw new UserError("cut", `${answered} of ${sent} lines were answered`);
  };
  const asking = ask();
  const receiving = receive();
  receiving.catch(() => {});
  try {
    // Whichever fails first says what went wrong; the other then only follows.
    await Promise.race([receiving, asking.then(() => receiving)]);
  } finally {
    over.abort();
    await asking.catch(() => {});
  }
}
