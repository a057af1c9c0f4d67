/** What else ends pods and containers, what is lost, and what becomes of the target. */
import type { Pod } from "../cluster/pod.ts";
import type { TargetState } from "../emulator/states.ts";
import { type ManifestChanges, NAME, SIDECAR } from "./manifests.ts";
import type { Command } from "./programs.ts";
import { Scene } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { real } from "./time.ts";

/** A way to end, and what came of it. */
export interface EndingRow {
  readonly what: string;
  readonly begun: number;
  readonly failed: number;
  /** How long it stayed registered, and got connections. */
  readonly target: string;
  readonly cleanedUpBy: string;
  readonly mayLose: boolean;
}

interface Ending {
  readonly what: string;
  readonly cleanedUpBy: string;
  /** Nobody can save what was open when a process was killed. */
  readonly mayLose?: true;
  readonly changes?: ManifestChanges;
  readonly addresses?: number;
  /** Does it; done when all has settled. The pod is the one whose target is looked at. */
  readonly act: (scene: Scene, pod: Pod) => Promise<void>;
}

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
    what: "a restart by the liveness probe",
    cleanedUpBy: "the sidecar, at `/drain`; it registers again when the application is back",
    changes: { liveness: true },
    act: async (scene, pod) => {
      Deno.kill(pod.container(NAME).pid ?? 0, "SIGUSR1");
      await readyAgain(scene, pod, NAME);
    },
  },
  {
    what: "a crash of the application",
    cleanedUpBy: "nobody: the application is started again, and health checks bridge the gap",
    mayLose: true,
    act: async (scene, pod) => {
      scene.cluster.crash(pod.name, NAME);
      await readyAgain(scene, pod, NAME);
    },
  },
  {
    what: "kill -9 of the sidecar",
    cleanedUpBy: "nobody has to: the kubelet starts it again, and it registers what is registered",
    act: async (scene, pod) => {
      scene.cluster.crash(pod.name, SIDECAR);
      await readyAgain(scene, pod, SIDECAR);
    },
  },
  {
    what: "kill -9 of the sidecar while its pod drains",
    cleanedUpBy: "the sidecar had deregistered it before",
    mayLose: true,
    act: async (scene, pod) => {
      const draining = scene.emulator.next((event) =>
        event.kind === "state-changed" && event.target.id === pod.ip &&
        event.to.state === "draining"
      );
      scene.cluster.deletePod(pod.name);
      await draining;
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
      scene.cluster.crash(pod.name, SIDECAR);
      await restarted(scene, pod, SIDECAR);
      scene.cluster.crash(pod.name, SIDECAR);
      await scene.cluster.until((event) => event.kind === "back-off" && event.pod === pod.name);
      scene.cluster.deletePod(pod.name);
      await pod.gone;
      await scene.cluster.rolledOut(NAME);
      await unhealthy(scene, pod);
      // The only address that is free is the dead pod's.
      scene.cluster.scale(NAME, 4);
      await scene.cluster.rolledOut(NAME);
      await backInService(scene, pod);
    },
  },
];

/** Tries all, one after the other. */
export async function endings(
  sidecar: Command,
  tell: (line: string) => void,
): Promise<EndingRow[]> {
  const rows: EndingRow[] = [];
  for (const ending of ENDINGS) {
    const row = await tryOut(ending, sidecar);
    tell(`${row.what}: ${row.failed} of ${row.begun} connections failed; ${row.target}`);
    rows.push(row);
  }
  return rows;
}

async function tryOut(ending: Ending, sidecar: Command): Promise<EndingRow> {
  const { what, cleanedUpBy, mayLose = false, changes, addresses } = ending;
  await using scene = await Scene.start({
    ...{ strategy: named("native-sidecar", STRATEGIES), sidecar },
    ...(changes && { changes }),
    ...(addresses !== undefined && { addresses }),
  });
  const [first] = scene.cluster.pods;
  if (!first) throw new Error("there is no pod");
  const began = scene.cluster.now();
  await ending.act(scene, first);
  const { begun, failed } = await scene.users.stop();
  return { what, begun, failed, target: fate(scene, first, began), cleanedUpBy, mayLose };
}

/** What became of the pod's target, or of the one that was deleted instead of it. */
function fate(scene: Scene, pod: Pod, began: number): string {
  const ended = scene.cluster.events.find((event) => event.kind === "terminating");
  const ip = ended && "pod" in ended ? scene.cluster.pod(ended.pod).ip : pod.ip;
  const since = Math.max(began, ended?.at ?? began);
  const parts = scene.recording.balancing.flatMap(({ at, event }) => {
    if (event.kind !== "state-changed" || event.target.id !== ip || at < began) return [];
    const name = nameOf(event.to);
    return name === undefined ? [] : [`${name} after ${real(at - since).toFixed(0)} s`];
  });
  return parts.length === 0 ? "stays registered and healthy" : parts.join(", ");
}

/** The end of the deregistration delay is nothing to report. */
function nameOf({ state, reason }: TargetState): string | undefined {
  if (state === "draining") return "deregistered";
  if (reason === "Elb.RegistrationInProgress") return "registered again";
  return state === "unused" || state === "initial" ? undefined : state;
}

/** When the container is started again. */
async function restarted(scene: Scene, pod: Pod, container: string): Promise<number> {
  const { at } = await scene.cluster.until((event) =>
    event.kind === "container-started" && event.pod === pod.name &&
    event.container === container && event.restarts > 0
  );
  return at;
}

/** Waits until the pod is ready after a container of it was started again. */
async function readyAgain(scene: Scene, pod: Pod, container: string): Promise<void> {
  const since = await restarted(scene, pod, container);
  await scene.cluster.until((event) =>
    event.kind === "ready" && event.pod === pod.name && event.at > since
  );
  await backInService(scene, pod);
}

/** Its target is healthy, and the pod ready. */
async function backInService(scene: Scene, { ip }: Pod): Promise<void> {
  const isBack = () => {
    const target = scene.emulator.targets(NAME).find(({ id }) => id === ip);
    const owner = scene.cluster.pods.find((one) => one.ip === ip && !one.isTerminating);
    return target?.state === "healthy" && owner?.isReady === true;
  };
  while (!isBack()) await change(scene);
}

async function unhealthy(scene: Scene, { ip }: Pod): Promise<void> {
  const isOut = () =>
    scene.emulator.targets(NAME).some(({ id, state }) => id === ip && state === "unhealthy");
  while (!isOut()) await change(scene);
}

/** The next event of the cluster or of a target. */
async function change(scene: Scene): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ends = [
    scene.cluster.listen(() => resolve()),
    scene.emulator.listen(({ kind }) => kind === "state-changed" && resolve()),
  ];
  await promise.finally(() => ends.forEach((end) => end()));
}
