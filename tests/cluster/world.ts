/** What containers are given by the cluster that runs them. */
import type { Happening } from "./events.ts";
import type { Time } from "./time.ts";

/** What an image stands for here. */
export interface Program {
  /** What is run unless the manifest has a command of its own. */
  readonly entrypoint: readonly [string, ...string[]];
  /** Its environment, besides the manifest's; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The program of an image; `undefined` for one that is not known, which is refused. */
export type Images = (image: string) => Program | undefined;

/** Where an argument is about to be used. */
export interface Place {
  readonly container: string;
  readonly image: string;
  readonly pod: { readonly name: string; readonly ip: string; readonly hostIP: string };
  /** The real path of the container's termination message file. */
  readonly terminationLog: string;
  readonly timeScale: number;
}

/** Changes a container's arguments for this machine: ports, addresses, durations. */
export type Rewrite = (args: readonly string[], place: Place) => readonly string[];

/** The cluster, as a container sees it. */
export interface World {
  readonly time: Time;
  readonly images: Images;
  readonly rewrite: Rewrite;
  /** A folder for termination messages. */
  readonly folder: string;
  /**
   * The least real time of a probe, in milliseconds, whatever the scale: below it a probe would
   * time this machine and not the program.
   */
  readonly probeTimeoutAtLeast: number;
  /** The end of the cluster: processes are killed, nothing is waited for. */
  readonly over: AbortSignal;
  record(happening: Happening): void;
  /** Reports what nobody foresaw; whoever waits for an event is told. */
  fault(error: unknown): void;
}
