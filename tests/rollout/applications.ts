/** Rollouts of the applications to which the Kustomize component and the Helm chart add the sidecar. */
import { stringify } from "yaml";
import { Cluster } from "../cluster/cluster.ts";
import type { Place } from "../cluster/world.ts";
import { startEmulator } from "../emulator/server.ts";
import { type Application, APPLICATIONS } from "../manifests/applications.ts";
import { helm, templateOf } from "../manifests/helm.ts";
import { kustomize, type Part } from "../manifests/kustomize.ts";
import { SIDECAR } from "./manifests.ts";
import { type Command, imagesOf, rewrite } from "./programs.ts";
import { Recording } from "./recording.ts";
import { forgotten, groupOf, inService, LOAD } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { SCALE } from "./time.ts";
import { type Count, Users } from "./users.ts";

/** An application, and who adds the sidecar. */
export interface Unit {
  readonly application: Application;
  readonly by: "component" | "chart" | "component and token";
}

/** What a rollout came to. */
export interface UnitOutcome extends Unit, Count {
  /** How many pods called their application by webhook when their drain began. */
  readonly webhooks: number;
  /** The longest time that the load balancer stood still, in milliseconds of this machine. */
  readonly standstill: number;
}

/** All applications, each by the component and by the chart; and one behind a bridge network. */
export const UNITS: readonly Unit[] = [
  ...APPLICATIONS.flatMap((application): Unit[] => [
    { application, by: "component" },
    { application, by: "chart" },
  ]),
  { application: named("web", APPLICATIONS), by: "component and token" },
];

/** Each application once, and each way once. */
export const EACH: readonly Unit[] = [
  { application: named("web", APPLICATIONS), by: "component and token" },
  { application: named("envoy", APPLICATIONS), by: "chart" },
  { application: named("brokers", APPLICATIONS), by: "component" },
];

const PORTS: Readonly<Record<string, number>> = { web: 8443, envoy: 8443, brokers: 9092 };
/** Where the stand-in of an Envoy has `/ready` and its admin interface. */
const HTTP_PORTS = "8082,9901";

/** Replaces all pods under load; done when the load balancer has forgotten the old ones. */
export async function rollOutUnit(unit: Unit, sidecar: Command): Promise<UnitOutcome> {
  const { name } = unit.application;
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await startEmulator({ groups: groupsOf(name) }));
  const images = imagesOf(sidecar, emulator.environment);
  const cluster = stack.use(
    new Cluster({
      images: (image) => images(/:example$/.test(image) ? "edge:example" : image),
      // Its address is not the node's, so the hook needs the token.
      kubeletCallsFrom: unit.by === "component and token" ? "bridge" : "node",
      ...{ rewrite: forStandIns, timeScale: SCALE, nodes: 2, probeTimeoutAtLeast: 20_000 },
    }),
  );
  const recording = stack.use(new Recording(cluster, emulator));
  const mounts = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(mounts, { recursive: true }));
  cluster.apply(manifestsOf(unit, mounts).map((one) => stringify(one)).join("---\n"));
  await cluster.rolledOut(name);
  const old = cluster.pods;
  const [{ name: group = "", port = 0 } = {}] = emulator.groups;
  await inService(emulator, group, old.length);
  const users = stack.use(new Users({ hostname: "127.0.0.1", port, ...LOAD }));
  await users.begun(50);
  cluster.restart(name);
  await cluster.rolledOut(name);
  await Promise.all(old.map(({ gone }) => gone));
  await forgotten(emulator, group);
  const count = await users.stop();
  const called = (pod: typeof old[number]) =>
    pod.containers.some(({ log }) => log.some((line) => line.includes("POST /healthcheck/fail")));
  return {
    ...unit,
    ...count,
    webhooks: old.filter(called).length,
    standstill: recording.standstill,
  };
}

/** Users come by the first one; a broker is in one of its own, too. */
function groupsOf(name: string) {
  const group = { ...groupOf(named("native-sidecar", STRATEGIES)), port: PORTS[name] ?? 0 };
  if (name !== "brokers") return [{ ...group, name }];
  const own = [0, 1, 2].map((ordinal) => ({
    ...group,
    name: `brokers-${ordinal}`,
    listener: false,
  }));
  return [{ ...group, name: "brokers-bootstrap" }, ...own];
}

function rendered({ application: { folder, file, values }, by }: Unit): Part[] {
  if (by === "component") return kustomize(folder);
  if (by === "component and token") return kustomize("deploy/kustomize/examples/token");
  return helm(templateOf(Deno.readTextFileSync(file)), values);
}

/** The rendered manifests, as far as the test cluster knows them; Secrets become files. */
function manifestsOf(unit: Unit, mounts: string): Part[] {
  const whole = rendered(unit);
  const { data = {} } = whole.find(({ kind }) => kind === "ConfigMap") ?? {};
  const { stringData: secrets = {} } = whole.find(({ kind }) => kind === "Secret") ?? {};
  for (const [name, text] of Object.entries<string>(secrets)) {
    Deno.writeTextFileSync(`${mounts}/${name}`, text, { mode: 0o440 });
  }
  return whole.filter(({ kind }) => !["ConfigMap", "Secret"].includes(kind)).map((one) => {
    const { template, volumeClaimTemplates: _claims, ...spec } = one.spec;
    if (!template) return one;
    const { volumes: _volumes, ...pod } = template.spec;
    const initContainers = pod.initContainers.map((sidecar: Part) =>
      asArguments(sidecar, data, mounts)
    );
    const containers = pod.containers.map(({ volumeMounts: _mounts, ...rest }: Part) => rest);
    return {
      ...one,
      spec: { ...spec, template: { ...template, spec: { ...pod, initContainers, containers } } },
    };
  });
}

/** The sidecar with its settings as flags, which are rewritten for this machine. */
function asArguments(
  { envFrom: _from, volumeMounts: _mounts, ...sidecar }: Part,
  data: Part,
  mounts: string,
): Part {
  const isFlag = (name: string) => name.startsWith("NLB_REGISTRATOR_");
  const settings = [
    ...Object.entries(data),
    ...sidecar.env.filter(({ name }: Part) => isFlag(name))
      .map(({ name, value }: Part) => [name, value]),
  ];
  const flags = settings.map(([name, value]) =>
    `-${name.replace("NLB_REGISTRATOR_", "").toLowerCase().replaceAll("_", "-")}=${value}`
      .replace("/var/run/nlb-registrator", mounts)
  );
  const env = sidecar.env.filter(({ name }: Part) => !isFlag(name));
  return { ...sidecar, env, args: [...flags, ...sidecar.args ?? []] };
}

function forStandIns(args: readonly string[], place: Place): readonly string[] {
  const { container, pod: { ip } } = place;
  if (container === SIDECAR) return rewrite(args, place);
  const port = PORTS[container === "broker" ? "brokers" : container];
  return [`--host=${ip}`, `--port=${port}`, `--health-port=${HTTP_PORTS}`];
}
