/** What containers are given by the cluster that runs them. */
import type { Agent } from "node:http";
import type { Happening } from "./events.ts";
import type { Time } from "./time.ts";

/** What an image stands for here. */
export interface Program {
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
}

/** Changes a container's arguments for this machine: ports, addresses, durations. */
export type Rewrite = (args: readonly string[], place: Place) => readonly string[];

/** The cluster, as a container sees it. */
export interface World {
  readonly time: Time;
  readonly images: Images;
  readonly rewrite: Rewrite;
  /** The least real time of a probe, in milliseconds, whatever the scale. */
  readonly probeTimeoutAtLeast: number;
  /** The least real time between the end of a container and its next start, in milliseconds. */
  readonly restartAtLeast: number;
  /** The connections of hooks: the kubelet keeps them, and a later hook may use one again. */
  readonly hookConnections: Agent;
  /** The end of the cluster: processes are killed, nothing is waited for. */
  readonly over: AbortSignal;
  record(happening: Happening): void;
  /** Reports an unforeseen error to whoever waits for an event. */
  fail(error: unknown): void;
}
