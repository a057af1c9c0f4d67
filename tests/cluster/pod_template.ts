/** From a pod template as it is written to what is to run; the rules are the API's own. */
import { ManifestError } from "./manifest_error.ts";
import type { RawContainer, RawHandler, RawProbe, RawTemplate } from "./raw.ts";
import type { Action, ContainerSpec, PodTemplate, Probe, ProbeKind, Role } from "./spec.ts";

/**
 * Reads a pod template.
 * @param owner For messages: `Deployment kafka`.
 * @throws {ManifestError} The API would refuse it, or it is not implemented here.
 */
export function readTemplate({ metadata = {}, spec }: RawTemplate, owner: string): PodTemplate {
  if ((spec.restartPolicy ?? "Always") !== "Always") {
    throw new ManifestError(
      `${owner}: restartPolicy ${spec.restartPolicy} is not allowed, Always is`,
    );
  }
  if (spec.shareProcessNamespace) {
    throw new ManifestError(
      `${owner}: shareProcessNamespace is not implemented by the test cluster`,
    );
  }
  const grace = spec.terminationGracePeriodSeconds ?? 30;
  const read = (raw: RawContainer, isInit: boolean) =>
    container(raw, roleOf(raw, isInit, owner), { grace, at: `${owner}: container ${raw.name}` });
  const containers = [
    ...(spec.initContainers ?? []).map((raw) => read(raw, true)),
    ...spec.containers.map((raw) => read(raw, false)),
  ];
  if (new Set(containers.map(({ name }) => name)).size < containers.length) {
    throw new ManifestError(`${owner}: two containers have the same name`);
  }
  return {
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    grace,
    serviceAccountName: spec.serviceAccountName ?? "default",
    containers,
  };
}

function roleOf(raw: RawContainer, isInit: boolean, owner: string): Role {
  if (raw.restartPolicy === undefined) return isInit ? "init" : "main";
  if (isInit && raw.restartPolicy === "Always") return "sidecar";
  throw new ManifestError(
    `${owner}: container ${raw.name}: restartPolicy ${raw.restartPolicy} is not implemented ` +
      "there; Always is, on an init container",
  );
}

interface Place {
  readonly grace: number;
  readonly at: string;
}

function container(raw: RawContainer, role: Role, place: Place): ContainerSpec {
  const { lifecycle = {}, startupProbe, readinessProbe, livenessProbe } = raw;
  if (role === "init" && (raw.lifecycle ?? startupProbe ?? readinessProbe ?? livenessProbe)) {
    throw new ManifestError(`${place.at}: an init container has neither hooks nor probes`);
  }
  const hook = (handler: RawHandler | undefined, name: string) =>
    handler && action(handler, raw, { ...place, at: `${place.at}: ${name}` });
  const probe = (kind: ProbeKind, written: RawProbe | undefined) =>
    written && { [kind]: readProbe(kind, written, raw, place) };
  return {
    name: raw.name,
    role,
    image: raw.image ?? "",
    command: raw.command,
    args: raw.args ?? [],
    env: (raw.env ?? []).map(({ name, value = "", valueFrom }) =>
      valueFrom ? { name, field: valueFrom.fieldRef.fieldPath } : { name, value }
    ),
    probes: {
      ...probe("startup", startupProbe),
      ...probe("readiness", readinessProbe),
      ...probe("liveness", livenessProbe),
    },
    postStart: hook(lifecycle.postStart, "postStart"),
    preStop: hook(lifecycle.preStop, "preStop"),
    terminationMessagePath: raw.terminationMessagePath ?? "/dev/termination-log",
    fallsBackToLog: raw.terminationMessagePolicy === "FallbackToLogsOnError",
  };
}

function readProbe(kind: ProbeKind, raw: RawProbe, owner: RawContainer, place: Place): Probe {
  const at = `${place.at}: ${kind}Probe`;
  const { successThreshold = 1, terminationGracePeriodSeconds: grace } = raw;
  if (kind !== "readiness" && successThreshold !== 1) {
    throw new ManifestError(`${at}: successThreshold must be 1, not ${successThreshold}`);
  }
  if (kind === "readiness" && grace !== undefined) {
    throw new ManifestError(`${at}: terminationGracePeriodSeconds must not be set`);
  }
  return {
    kind,
    action: action(raw, owner, { ...place, at }),
    initialDelay: raw.initialDelaySeconds ?? 0,
    period: raw.periodSeconds ?? 10,
    timeout: raw.timeoutSeconds ?? 1,
    successThreshold,
    failureThreshold: raw.failureThreshold ?? 3,
    grace,
  };
}

function action(raw: RawHandler, owner: RawContainer, { at, grace }: Place): Action {
  const { exec, httpGet, tcpSocket, sleep } = raw;
  if ([exec, httpGet, tcpSocket, sleep].filter((one) => one !== undefined).length !== 1) {
    throw new ManifestError(`${at}: exactly one handler is needed`);
  }
  if (exec) return { kind: "exec", command: exec.command ?? [] };
  if (tcpSocket) return { kind: "tcpSocket", port: portOf(tcpSocket.port, owner, at) };
  if (sleep) {
    if (sleep.seconds < 0 || sleep.seconds > grace) {
      throw new ManifestError(
        `${at}: sleep.seconds must be 0 to ${grace}, the grace period, not ${sleep.seconds}`,
      );
    }
    return { kind: "sleep", seconds: sleep.seconds };
  }
  const { port = 0, path = "/", scheme = "HTTP", httpHeaders = [] } = httpGet ?? {};
  if (scheme !== "HTTP") {
    throw new ManifestError(`${at}: scheme ${scheme} is not implemented by the test cluster`);
  }
  return {
    kind: "httpGet",
    port: portOf(port, owner, at),
    path: path.startsWith("/") ? path : `/${path}`,
    headers: httpHeaders.map(({ name, value }) => [name, value]),
  };
}

/** A port's name is looked for in the own container's list alone, as the kubelet does. */
function portOf(port: number | string, owner: RawContainer, at: string): number {
  if (typeof port === "number") return port;
  const named = owner.ports?.find(({ name }) => name === port);
  if (!named) throw new ManifestError(`${at}: container ${owner.name} has no port named ${port}`);
  return named.containerPort;
}
