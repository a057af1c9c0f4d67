/** One live timeline of several speakers: time, who, what. */

/** Who speaks, each in a colour of its own (on a terminal; plain text otherwise). */
const COLOURS = {
  demo: "color: gray",
  pod: "color: magenta",
  sidecar: "color: green",
  API: "color: blue",
  target: "color: orange",
} as const;

export type Speaker = keyof typeof COLOURS;

/** Prints lines with the seconds since its start. */
export class Timeline {
  readonly #started = performance.now();

  say(who: Speaker, what: string): void {
    const seconds = ((performance.now() - this.#started) / 1_000).toFixed(3).padStart(7);
    console.log(`${seconds}s  %c${who.padEnd(8)}%c${what}`, COLOURS[who], "");
  }
}
