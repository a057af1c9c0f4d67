/** The endpoints. */
import type { GroupStatus, Status, View } from "../lifecycle/status.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import type { Stats } from "./stats.ts";

/** A response: a status, and a short text for people unless `type` says otherwise. */
export interface Reply {
  readonly status: number;
  /** Without its last line break where it is a message. */
  readonly text: string;
  /** The `Content-Type`; plain text where it is left out. */
  readonly type?: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What responses are made of. */
export interface Sources {
  readonly view: View;
  readonly stats: Stats;
}

/** An endpoint. */
export interface Route {
  readonly methods: readonly string[];
  /** Changes something: the guard decides who may call it. */
  readonly guarded?: true;
  /** Takes as long as the drain; all others have a limit. */
  readonly waits?: true;
  readonly answer: (sources: Sources) => Reply | Promise<Reply>;
}

const READ = ["GET", "HEAD"];

/** The endpoints by their paths. The kubelet can only send GET, so GET begins a drain too. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/livez", { methods: READ, answer: () => ok("alive") }],
  // It never waits for more: the application starts only after a native sidecar has started.
  ["/startupz", { methods: READ, answer: () => ok("started") }],
  ["/readyz", { methods: READ, answer: ({ view }) => readiness(view.status()) }],
  ["/in-service", { methods: READ, answer: ({ view }) => inService(view.status()) }],
  ["/target", { methods: READ, answer: targetHealth }],
  ["/status", { methods: READ, answer: ({ view }) => json(view.status()) }],
  ["/metrics", { methods: READ, answer: metrics }],
  ["/drain", { methods: ["GET", "POST"], guarded: true, waits: true, answer: drain }],
  ["/register", { methods: ["POST"], guarded: true, answer: register }],
]);

/** Gates a rollout, so it does not follow the load balancer any further: see `Status.ready`. */
function readiness(status: Status): Reply {
  return status.ready ? ok("ready") : unavailable(whyNotInService(status) ?? "not ready yet");
}

/** Follows the load balancer's health checks. */
function inService(status: Status): Reply {
  const reason = whyNotInService(status);
  return reason === undefined ? ok("healthy in every target group") : unavailable(reason);
}

function whyNotInService(status: Status): string | undefined {
  const ending = whyEnding(status);
  if (ending !== undefined) return ending;
  if (status.groups.length === 0) return "the target groups are not known yet";
  const reasons = status.groups.map(whyNotHealthy).filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

function whyEnding({ stopping, drain_requested: isDrainRequested }: Status): string | undefined {
  if (stopping) return "the sidecar is stopping";
  return isDrainRequested ? "a drain was requested" : undefined;
}

function whyNotHealthy({ name, target_id: id, health, error }: GroupStatus): string | undefined {
  const target = `target group ${name}: ${id}`;
  if (error !== undefined) return `the health of ${target} is not observed any more: ${error}`;
  if (health === undefined) return `${target} has no health yet`;
  if (health.state === "healthy") return undefined;
  return `${target} is ${health.state}${health.reason === undefined ? "" : ` (${health.reason})`}`;
}

/** For the load balancer's own health check: no new connections once a drain or a stop begins. */
async function targetHealth({ view }: Sources): Promise<Reply> {
  const before = whyEnding(view.status());
  if (before !== undefined) return unavailable(before);
  const answers = await view.applicationAnswers();
  // It may have begun meanwhile.
  const ending = whyEnding(view.status());
  if (ending !== undefined) return unavailable(ending);
  return answers ? ok("in service") : unavailable("the application does not answer (-wait-for)");
}

/** The drain continues whether or not the client waits for it. */
async function drain({ view }: Sources): Promise<Reply> {
  const end = await view.drain();
  return end.outcome === "drained" ? ok("drained") : { status: 500, text: end.reason };
}

function register({ view }: Sources): Reply {
  switch (view.register()) {
    case "registering":
      return { status: 202, text: "registering" };
    case "not-drained":
      return ok("nothing to undo: no drain was requested");
    case "stopping":
      return { status: 409, text: "the sidecar is stopping: it cannot register again" };
  }
}

function json(document: unknown): Reply {
  return { status: 200, text: JSON.stringify(document, undefined, 2), type: "application/json" };
}

function metrics({ view, stats }: Sources): Reply {
  return { status: 200, text: metricsText(view.status(), stats), type: METRICS_TYPE };
}

function ok(text: string): Reply {
  return { status: 200, text };
}

/** Not now; the text says why. */
export function unavailable(reason: string): Reply {
  return { status: 503, text: reason };
}
