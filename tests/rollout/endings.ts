/** What else ends pods and containers, what is lost, and what becomes of the target. */
import type { Pod } from "../cluster/pod.ts";
import { pause } from "../emulator/pause.ts";
import type { TargetState } from "../emulator/states.ts";
import { type ManifestChanges, NAME, SIDECAR } from "./manifests.ts";
import type { Command } from "./programs.ts";
import { Scene } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { here, real } from "./time.ts";
import type { Count } from "./users.ts";

/** A way to end, and what came of it. */
export interface EndingRow extends Ending, Count {
  /** How long it stayed registered, and got connections. */
  readonly target: string;
}

interface Ending {
  readonly what: string;
  readonly cleanedUpBy: string;
  /** What was open when a process was killed is lost in any case. */
  readonly mayLose?: true;
  /** @default {"native-sidecar"} */
  readonly strategy?: string;
  readonly changes?: ManifestChanges;
  readonly addresses?: number;
  /** Does it; done when all has settled. The pod is the one whose target is reported. */
  readonly act: (scene: Scene, pod: Pod) => Promise<void>;
}

/** From an eviction to the end of its node, in seconds: of the two minutes' notice, what is left. */
const SPOT = 90;

const ENDINGS: readonly Ending[] = [
  {
    what: "scaling down from 3 to 2",
    cleanedUpBy: "the sidecar, at `/drain`",
    act: async (scene) => {
      scene.cluster.scale(NAME, 2);
      await scene.settled(2);
    },
  },
  {
    what: "draining a node, with the PodDisruptionBudget",
    cleanedUpBy: "the sidecar, at `/drain`",
    act: async (scene, pod) => {
      await scene.cluster.drain(pod.node ?? "");
      await scene.cluster.rolledOut(NAME);
      await scene.settled();
    },
  },
  {
    what: `a spot interruption: the node is gone ${SPOT} s after the eviction`,
    cleanedUpBy: "the sidecar, at `/drain`; the rest of the drain is cut",
    mayLose: true,
    act: interrupted,
  },
  {
    what: "the same, with the health check on `/target`",
    cleanedUpBy: "the sidecar, at `/drain`",
    mayLose: true,
    strategy: "native-sidecar target-check",
    changes: { args: [`-grace-period=${SPOT - 10}s`] },
    act: interrupted,
  },
  {
    what: "a restart by the liveness probe",
    cleanedUpBy: "the sidecar, at `/drain`; it registers again when the application is back",
    changes: { liveness: true },
    act: async (scene, pod) => {
      Deno.kill(pod.container(NAME).pid ?? 0, "SIGUSR1");
      await restarted(scene, pod, NAME);
    },
  },
  {
    what: "a deletion while the liveness probe restarts the application",
    cleanedUpBy: "the sidecar, at `/drain`; the second hook finds it drained",
    changes: { liveness: true },
    act: async (scene, pod) => {
      Deno.kill(pod.container(NAME).pid ?? 0, "SIGUSR1");
      await until(scene, () => stateOf(scene, pod) === "draining");
      scene.cluster.deletePod(pod.name);
      await scene.settled();
    },
  },
  {
    what: "a crash of the application",
    cleanedUpBy: "nothing: the kubelet restarts the application, and health checks bridge the gap",
    mayLose: true,
    act: (scene, pod) => crashed(scene, pod, NAME),
  },
  {
    what: "kill -9 of the sidecar",
    cleanedUpBy: "not needed: the kubelet restarts it, and it registers what is registered already",
    act: (scene, pod) => crashed(scene, pod, SIDECAR),
  },
  {
    what: "kill -9 of the sidecar while its pod drains",
    cleanedUpBy: "the sidecar had deregistered it before",
    mayLose: true,
    act: async (scene, pod) => {
      scene.cluster.deletePod(pod.name);
      await until(scene, () => stateOf(scene, pod) === "draining");
      scene.cluster.crash(pod.name, SIDECAR);
      await scene.settled();
    },
  },
  {
    what: "kill -9 of the sidecar, and its pod deleted before it is started again",
    cleanedUpBy: "the health check takes it out of traffic; the next pod with its address owns it",
    mayLose: true,
    addresses: 4,
    act: async (scene, pod) => {
      // The first restart is at once, the second after a back-off.
      const { pid } = pod.container(SIDECAR);
      const isSecond = () => ![undefined, pid].includes(pod.container(SIDECAR).pid);
      scene.cluster.crash(pod.name, SIDECAR);
      await until(scene, isSecond);
      scene.cluster.crash(pod.name, SIDECAR);
      await scene.cluster.until((event) => event.kind === "back-off" && event.pod === pod.name);
      scene.cluster.deletePod(pod.name);
      await pod.gone;
      await scene.cluster.rolledOut(NAME);
      await until(scene, () => stateOf(scene, pod) === "unhealthy");
      // The only address that is free is the dead pod's.
      scene.cluster.scale(NAME, 4);
      await scene.cluster.rolledOut(NAME);
      await until(scene, () => isInService(scene, pod));
    },
  },
];

/** Tries all, one after the other. */
export async function endings(
  sidecar: Command,
  report: (line: string) => void,
): Promise<EndingRow[]> {
  const rows: EndingRow[] = [];
  for (const ending of ENDINGS) {
    await using scene = await Scene.start({
      ...{ strategy: named(ending.strategy ?? "native-sidecar", STRATEGIES), sidecar },
      ...(ending.changes && { changes: ending.changes }),
      ...(ending.addresses !== undefined && { addresses: ending.addresses }),
    });
    const [pod] = scene.cluster.pods;
    if (!pod) throw new Error("there is no pod");
    const began = scene.cluster.now();
    await ending.act(scene, pod);
    const row = { ...ending, ...await scene.users.stop(), target: fate(scene, pod, began) };
    report(`${row.what}: ${row.failed} of ${row.begun} connections failed; ${row.target}`);
    rows.push(row);
  }
  return rows;
}

/** What became of the pod's target, or of the one that was deleted instead of it. */
function fate(scene: Scene, pod: Pod, began: number): string {
  const ended = scene.cluster.events.find((event) => event.kind === "terminating");
  const ip = ended && "pod" in ended ? scene.cluster.pod(ended.pod).ip : pod.ip;
  const since = Math.max(began, ended?.at ?? began);
  const parts = scene.recording.balancing.flatMap(({ at, event }) => {
    if (event.kind !== "state-changed" || event.target.id !== ip || at < began) return [];
    const name = nameOf(event.to);
    return name === undefined
      ? []
      : [`${name} after ${real(Math.max(0, at - since)).toFixed(0)} s`];
  });
  return parts.length === 0 ? "stays registered and healthy" : parts.join(", ");
}

/** The end of the deregistration delay is nothing to report. */
function nameOf({ state, reason }: TargetState): string | undefined {
  if (state === "draining") return "deregistered";
  if (reason === "Elb.RegistrationInProgress") return "registered again";
  return state === "unused" || state === "initial" ? undefined : state;
}

/** Drains a node of one pod, and kills what is left of it when the node goes. */
async function interrupted(scene: Scene): Promise<void> {
  const { cluster } = scene;
  const [pod] = Map.groupBy(cluster.pods, ({ node }) => node).values()
    .find(({ length }) => length === 1) ?? [];
  if (!pod) throw new Error("no node has one pod");
  const drained = cluster.drain(pod.node ?? "");
  await pause(here(SPOT), new AbortController().signal);
  for (const { spec } of pod.containers) cluster.crash(pod.name, spec.name);
  await drained;
  await cluster.rolledOut(NAME);
  await scene.settled();
}

async function crashed(scene: Scene, pod: Pod, container: string): Promise<void> {
  scene.cluster.crash(pod.name, container);
  await restarted(scene, pod, container);
}

/** Done when the container was started again, the pod is ready after that, and its target healthy. */
async function restarted(scene: Scene, pod: Pod, container: string): Promise<void> {
  const { at } = await scene.cluster.until((event) =>
    event.kind === "container-started" && event.pod === pod.name &&
    event.container === container && event.restarts > 0
  );
  await scene.cluster.until((event) =>
    event.kind === "ready" && event.pod === pod.name && event.at > at
  );
  await until(scene, () => isInService(scene, pod));
}

function stateOf({ emulator }: Scene, { ip }: Pod): string | undefined {
  return emulator.targets(NAME).find(({ id }) => id === ip)?.state;
}

/** Whether the target at its address is healthy, and the pod that has it ready. */
function isInService(scene: Scene, pod: Pod): boolean {
  const owner = scene.cluster.pods.find(({ ip, isTerminating }) => ip === pod.ip && !isTerminating);
  return stateOf(scene, pod) === "healthy" && owner?.isReady === true;
}

/** Checks at each event of the cluster or of a target. */
async function until(scene: Scene, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = [
      scene.cluster.listen(() => resolve()),
      scene.emulator.listen(({ kind }) => kind === "state-changed" && resolve()),
    ];
    await promise.finally(() => ends.forEach((end) => end()));
  }
}
