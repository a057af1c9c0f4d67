/** Small Deployments for tests of the test cluster, and what is to be read off its events. */
import { assert } from "@std/assert";
import { Cluster, type ClusterOptions } from "../../cluster/cluster.ts";
import type { Event } from "../../cluster/events.ts";
import type { Pod } from "../../cluster/pod.ts";

/** A manifest's object. YAML takes JSON as it is. */
export type Json = { readonly [name: string]: unknown };

/** Where the servers of tests listen, at their pod's address. */
export const PORT = 8_080;

/** A program that is up when it has printed so, and ends at SIGTERM. */
export const SERVES = "trap 'exit 0' TERM; echo up; sleep 1000 & wait";

/** A program that SIGTERM does not end. */
export const STAYS = "trap : TERM; echo up; while :; do sleep 1000 & wait; done";

/** A container that runs a shell script. */
export function container(name: string, script: string, more: Json = {}): Json {
  return { name, image: "sh", args: ["-c", script], ...more };
}

/** A native sidecar that runs a shell script. */
export function sidecar(name: string, script = SERVES, more: Json = {}): Json {
  return container(name, script, { restartPolicy: "Always", ...more });
}

/** A preStop hook. */
export function preStop(hook: Json): Json {
  return { lifecycle: { preStop: hook } };
}

/** A Deployment `app`, or another workload, of one replica with this pod. */
export function deployment(pod: Json, spec: Json = {}, kind = "Deployment"): string {
  const labels = { app: "app" };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind,
    metadata: { name: "app" },
    spec: {
      ...{ replicas: 1, selector: { matchLabels: labels }, ...spec },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 6_000, ...pod } },
    },
  });
}

/** A budget for the pods of `deployment`. */
export function budget(name: string): string {
  return JSON.stringify({
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { selector: { matchLabels: { app: "app" } }, maxUnavailable: 1 },
  });
}

/** A cluster a hundred times faster than a real one, in which image `sh` is the shell. */
export function cluster(options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    images: (image) =>
      image === "sh" ? { entrypoint: ["/bin/sh"], env: { PATH: "/usr/bin:/bin" } } : undefined,
    ...{ timeScale: 100, probeTimeoutAtLeast: 20_000, ...options },
  });
}

/** Starts a Deployment of one pod; done when its containers were started. */
export async function podOf(world: Cluster, spec: Json): Promise<Pod> {
  world.apply(deployment(spec));
  const [pod] = world.pods;
  assert(pod);
  await nth(world, "container-started");
  return pod;
}

/** Starts a Deployment of one pod; done when all its programs are up and it is ready. */
export async function readyPodOf(world: Cluster, spec: Json): Promise<Pod> {
  const pod = await podOf(world, spec);
  await nth(world, "ready");
  await Promise.all(pod.containers.map((one) => one.line(/up/)));
  return pod;
}

/** Deletes a pod; what happened to it from then on, as texts that match. */
export async function deleted(world: Cluster, pod: Pod, pattern: RegExp): Promise<string[]> {
  world.scale("app", 0);
  await pod.gone;
  const terminating = world.events.findIndex(({ kind }) => kind === "terminating");
  return textsOf(world.events.slice(terminating), pattern);
}

/** A server at the pod's address; `reply` answers. */
export function serve(
  pod: Pod,
  reply: (request: Request, from: string) => Response | Promise<Response>,
): Deno.HttpServer {
  return Deno.serve(
    { hostname: pod.ip ?? "", port: PORT, onListen: () => {} },
    (request, { remoteAddr }) => reply(request, remoteAddr.hostname),
  );
}

/** Waits for the n-th event of a kind, of a container if it is named. */
export function nth(
  world: Cluster,
  kind: Event["kind"],
  { of, count = 1 }: { readonly of?: string; readonly count?: number } = {},
): Promise<Event> {
  let seen = 0;
  return world.until((event) => {
    const isOf = of === undefined || ("container" in event && event.container === of);
    return event.kind === kind && isOf && ++seen === count;
  });
}

/** Events as short texts, in order: `main SIGTERM`. */
export function textsOf(events: readonly Event[], pattern: RegExp): string[] {
  return events.map(text).filter((one) => pattern.test(one));
}

function text(event: Event): string {
  const name = "container" in event ? `${event.container} ` : "";
  switch (event.kind) {
    case "signal":
      return `${name}${event.signal}`;
    case "hook-begun":
      return `${name}preStop begins`;
    case "hook-ended":
      return `${name}preStop ${event.outcome}`;
    case "exited":
      return `${name}exited ${event.code}`;
    case "container-started":
      return `${name}started`;
    default:
      return `${name}${event.kind}`;
  }
}
