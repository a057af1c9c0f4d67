/** What the service can be asked. */
import type { GroupStatus, Status, View } from "../lifecycle/status.ts";
import type { Stats } from "./stats.ts";
import { statusDocument } from "./status_document.ts";

/** An answer: a status, and a short text for people, unless `type` says otherwise. */
export interface Reply {
  readonly status: number;
  /** Without its last line break where it is a sentence. */
  readonly text: string;
  /** The `Content-Type`; plain text where it is left out. */
  readonly type?: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What answers are made of. */
export interface Sources {
  readonly view: View;
  readonly stats: Stats;
}

/** An endpoint. */
export interface Route {
  readonly methods: readonly string[];
  /** Changes things: the guard decides who may. */
  readonly guarded?: true;
  /** Takes as long as the drain does; all others have a limit. */
  readonly waits?: true;
  readonly answer: (sources: Sources) => Reply | Promise<Reply>;
}

const READ = ["GET", "HEAD"];

/** The endpoints by their paths. The kubelet can only GET, so a drain may be asked for by GET. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/livez", { methods: READ, answer: () => ok("alive") }],
  // Never more than that: the application starts only after a native sidecar has started.
  ["/startupz", { methods: READ, answer: () => ok("started") }],
  ["/readyz", { methods: READ, answer: ({ view }) => readiness(view.status()) }],
  ["/target", { methods: READ, answer: ({ view }) => targetHealth(view) }],
  ["/status", { methods: READ, answer: ({ view }) => json(statusDocument(view.status())) }],
  ["/metrics", { methods: READ, answer: metrics }],
  ["/drain", {
    methods: ["GET", "POST"],
    guarded: true,
    waits: true,
    answer: ({ view }) => drain(view),
  }],
  ["/register", { methods: ["POST"], guarded: true, answer: ({ view }) => register(view) }],
]);

/** The pod's readiness follows the load balancer's word. */
function readiness(status: Status): Reply {
  const leaving = whyLeaving(status);
  if (leaving !== undefined) return unavailable(leaving);
  if (status.groups.length === 0) return unavailable("the target groups are not known yet");
  const reasons = status.groups.map(whyNotHealthy).filter((reason) => reason !== undefined);
  return reasons.length === 0
    ? ok("healthy in every target group")
    : unavailable(reasons.join("; "));
}

function whyLeaving({ stopping, drainRequested }: Status): string | undefined {
  if (stopping) return "the sidecar is stopping";
  return drainRequested ? "a drain was asked for" : undefined;
}

function whyNotHealthy({ name, targetId, health, error }: GroupStatus): string | undefined {
  const target = `target group ${name}: ${targetId}`;
  if (error !== undefined) return `${target} is not watched any more: ${error}`;
  if (health === undefined) return `${target} has no health yet`;
  if (health.state === "healthy") return undefined;
  return `${target} is ${health.state}${health.reason === undefined ? "" : ` (${health.reason})`}`;
}

/** The load balancer's own check: no new connections from the first moment of a drain or stop. */
async function targetHealth(view: View): Promise<Reply> {
  const before = whyLeaving(view.status());
  if (before !== undefined) return unavailable(before);
  const answers = await view.applicationAnswers();
  // It may have begun meanwhile.
  const leaving = whyLeaving(view.status());
  if (leaving !== undefined) return unavailable(leaving);
  return answers ? ok("in service") : unavailable("the application does not answer (-wait-for)");
}

/** The life goes on draining whether or not the caller waits for it. */
async function drain(view: View): Promise<Reply> {
  const end = await view.drain();
  return end.outcome === "drained" ? ok("drained") : { status: 500, text: end.reason };
}

function register(view: View): Reply {
  switch (view.register()) {
    case "registering":
      return { status: 202, text: "registering" };
    case "not-drained":
      return ok("nothing to undo: no drain was asked for");
    case "stopping":
      return { status: 409, text: "the sidecar is stopping: it is too late to register again" };
  }
}

function json(document: unknown): Reply {
  return { status: 200, text: JSON.stringify(document, undefined, 2), type: "application/json" };
}

/** The library is loaded when somebody asks for the first time. */
async function metrics({ view, stats }: Sources): Promise<Reply> {
  const { metricsText, METRICS_TYPE } = await import("./metrics.ts");
  return { status: 200, text: await metricsText(view.status(), stats), type: METRICS_TYPE };
}

function ok(text: string): Reply {
  return { status: 200, text };
}

/** Not now; the text says why. */
export function unavailable(reason: string): Reply {
  return { status: 503, text: reason };
}
