/** Small Deployments for tests of the test cluster, and what is to be read off its events. */
import { Cluster, type ClusterOptions } from "../../cluster/cluster.ts";
import type { Event } from "../../cluster/events.ts";

/** A manifest's object. YAML takes JSON as it is. */
export type Json = { readonly [name: string]: unknown };

/** A program that is up when it has printed so, and ends at SIGTERM. */
export const SERVES = "trap 'echo stopping; exit 0' TERM; echo up; sleep 1000 & wait";

/** A program that SIGTERM does not end. */
export const STAYS = "trap 'echo stays' TERM; echo up; while :; do sleep 1000 & wait; done";

/** A container that runs a shell script. */
export function container(name: string, script: string, more: Json = {}): Json {
  return { name, image: "sh", args: ["-c", script], ...more };
}

/** A Deployment `app` of one replica with these containers. */
export function deployment(
  pod: Json,
  { spec = {}, annotations = {} }: { readonly spec?: Json; readonly annotations?: Json } = {},
): string {
  const labels = { app: "app" };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app" },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: pod },
      ...spec,
    },
  });
}

/** A PodDisruptionBudget for the Deployment `app`. */
export function budget(spec: Json): string {
  return JSON.stringify({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "app" },
    spec: { selector: { matchLabels: { app: "app" } }, ...spec },
  });
}

/** A cluster a hundred times faster than a real one, in which image `sh` is the shell. */
export function cluster(options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    images: (image) =>
      image === "sh" ? { entrypoint: ["/bin/sh"], env: { PATH: "/usr/bin:/bin" } } : undefined,
    timeScale: 100,
    probeTimeoutAtLeast: 20_000,
    ...options,
  });
}

/** Waits for the n-th event of a kind, of a container or pod if it is named. */
export function nth(
  cluster: Cluster,
  kind: Event["kind"],
  { of, count = 1 }: { readonly of?: string; readonly count?: number } = {},
): Promise<Event> {
  let seen = 0;
  return cluster.until((event) =>
    event.kind === kind && (of === undefined || concerns(event, of)) && ++seen === count
  );
}

/** Whether an event is about a container or a pod of that name. */
export function concerns(event: Event, name: string): boolean {
  return ("container" in event && event.container === name) ||
    ("pod" in event && event.pod === name);
}

/** What happened, in order, as short texts: `main signal SIGTERM`. */
export function story(cluster: Cluster): string[] {
  return cluster.events.map(brief);
}

/** An event as a short text. */
export function brief(event: Event): string {
  const name = "container" in event ? `${event.container} ` : "";
  switch (event.kind) {
    case "signal":
      return `${name}${event.signal}${event.ignored ? " ignored" : ""}`;
    case "hook-begun":
      return `${name}${event.hook} begins`;
    case "hook-ended":
      return `${name}${event.hook} ${event.outcome}`;
    case "exited":
      return `${name}exited ${event.code}`;
    case "container-started":
      return `${name}started`;
    default:
      return `${name}${event.kind}`;
  }
}

/** The story's parts that match, in order. */
export function told(cluster: Cluster, pattern: RegExp): string[] {
  return story(cluster).filter((text) => pattern.test(text));
}
