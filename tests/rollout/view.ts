/** What is going on in a scene, live: on a terminal as a picture, elsewhere as lines. */
import type { Event } from "../cluster/events.ts";
import type { Scene } from "./scene.ts";
import { type Row, rowsOf, type State } from "./spans.ts";
import { real } from "./time.ts";

/** How often the picture is drawn, in milliseconds. */
const FRAME = 250;
/** So many milliseconds of a pod's life are one character. */
const STEP = 500;
/** Of the pods' lives, the last so many characters are shown. */
const WIDTH = 64;

/** A character and its colour, as ANSI has them. */
const LOOK: Readonly<Record<State, readonly [string, number]>> = {
  "starting": ["·", 90],
  "in service": ["━", 32],
  "not ready": ["╌", 33],
  "draining": ["▒", 36],
  "ending": ["×", 35],
};
const LOST = ["!", 31] as const;

/** Shows a scene until it is disposed of. */
export class View implements Disposable {
  readonly #scene: Scene;
  readonly #end: () => void;
  #height = 0;
  #before = { at: 0, begun: 0 };
  #told = 0;

  /** @param isTerminal Whether lines can be drawn over. */
  constructor(scene: Scene, isTerminal: boolean = Deno.stdout.isTerminal()) {
    this.#scene = scene;
    const timer = setInterval(() => isTerminal ? this.#draw() : this.#tellLosses(), FRAME);
    const stop = isTerminal ? () => {} : scene.cluster.listen((event) => tell(event));
    this.#end = () => {
      clearInterval(timer);
      stop();
      if (isTerminal) this.#draw();
      else this.#tellLosses();
    };
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #draw(): void {
    const { cluster, users, recording } = this.#scene;
    const now = cluster.now();
    const losses = recording.losses(users);
    const rows = rowsOf(cluster.events, now).filter(({ spans }) =>
      (spans.at(-1)?.to ?? 0) > now - WIDTH * STEP
    );
    const lines = rows.map((row) => {
      const lost = losses.filter(({ pod }) => pod !== undefined && pod === row.ip);
      return `${row.pod.padEnd(12)} ${strip(row, now, lost.map(({ at }) => at))} ${
        row.isGone ? "gone" : row.spans.at(-1)?.state ?? ""
      }`;
    });
    lines.push("", this.#count(now));
    const up = this.#height > 0 ? `\x1b[${this.#height}A\x1b[J` : "";
    write(`${up}${lines.join("\n")}\n`);
    this.#height = lines.length;
  }

  #count(now: number): string {
    const { begun, failed } = this.#scene.users.count;
    const pace = (begun - this.#before.begun) / (now - this.#before.at) * 1_000;
    if (now - this.#before.at > 2_000) this.#before = { at: now, begun };
    const red = failed > 0 ? coloured(`${failed} failed`, 31) : "0 failed";
    return `${real(now).toFixed(0)} s of a real cluster; connections: ` +
      `${begun}, ${Math.max(0, pace).toFixed(0)} a second, ${red}`;
  }

  #tellLosses(): void {
    const { users, recording } = this.#scene;
    if (users.failures.length === this.#told) return;
    const losses = recording.losses(users).slice(this.#told);
    this.#told = users.failures.length;
    const kinds = Map.groupBy(losses, ({ pod, failure }) => `${pod ?? "no pod"}: ${failure.what}`);
    for (const [kind, some] of kinds) {
      console.log(`${stamp(some[0]?.at ?? 0)}  ${some.length} connections failed, to ${kind}`);
    }
  }
}

function tell(event: Event): void {
  if (!("pod" in event) || "container" in event) return;
  if (["ready", "unready", "terminating", "gone"].includes(event.kind)) {
    console.log(`${stamp(event.at)}  ${event.pod} ${event.kind}`);
  }
}

/** Seconds of a real cluster. */
function stamp(at: number): string {
  return `${real(at).toFixed(0).padStart(6)}s`;
}

/** The last part of a pod's life. */
function strip({ spans }: Row, now: number, lost: readonly number[]): string {
  const first = Math.floor(now / STEP) - WIDTH;
  return Array.from({ length: WIDTH }, (_, index) => {
    const [from, to] = [(first + index) * STEP, (first + index + 1) * STEP];
    if (lost.some((at) => at >= from && at < to)) return coloured(...LOST);
    const span = spans.find((one) => one.from < to && one.to > from);
    return span === undefined ? " " : coloured(...LOOK[span.state]);
  }).join("");
}

function coloured(text: string, colour: number): string {
  return `\x1b[${colour}m${text}\x1b[0m`;
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
