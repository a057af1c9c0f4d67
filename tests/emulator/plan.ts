/** What the faults that hold for a call make of it. */
import { gzipSync } from "node:zlib";
import { expiredToken } from "./auth.ts";
import { AwsError, targetGroupNotFound, tooManyTargets } from "./errors.ts";
import type { Call, Outcome } from "./events.ts";
import { type Fault, type FaultName, FAULTS } from "./faults.ts";
import type { Afterwards, Exchange } from "./http.ts";
import { errorReply, htmlReply, type Reply, type Service } from "./replies.ts";

/** The course of a call. */
export interface Plan {
  /** How far the API's clock is off, in milliseconds. */
  readonly skew: number;
  /** How long it waits, in milliseconds or until it is released. */
  readonly before: number | "release";
  /** Whether the action is carried out though the client leaves before. */
  readonly evenIfGone: boolean;
  readonly applied: boolean;
  /** How long its reply waits, in milliseconds. */
  readonly after: number;
  /** How it ends: by default with the reply that is due. */
  readonly ending: "reply" | "hang" | "reset" | "cut" | "silence" | { readonly flood: number };
  /** The key that signs is refused from now on, with this code. */
  readonly revoke?: string;
  /** A reply in the place of the one that is due. */
  readonly instead?: (due: Reply, call: CallContext) => Reply;
  readonly afterwards: Afterwards;
}

/** What an error may name. */
export interface CallContext {
  readonly call: Pick<Call, "action" | "groupArn">;
  readonly service: Service;
  /** The caller's ARN. */
  readonly caller: string;
}

const PLAIN: Plan = {
  ...{ skew: 0, before: 0, evenIfGone: false, applied: true, after: 0 },
  ...{ ending: "reply", afterwards: "keep" },
};

/** The plan that the faults make together; of two that contradict each other the later holds. */
export function planOf(faults: readonly Fault[]): Plan {
  return faults.reduce<Plan>((plan, fault) => ({ ...plan, ...effect(fault) }), PLAIN);
}

function effect(fault: Fault): Partial<Plan> {
  const { what, applied = false, bytes } = fault;
  switch (what) {
    case "delay":
      return { before: fault.before ?? 0, after: fault.after ?? 0 };
    case "apply-late":
      return { before: fault.time ?? 0, evenIfGone: true };
    case "hold":
      return { before: "release", evenIfGone: true };
    case "hang":
    case "reset":
      return { ending: what, applied };
    case "silent-connection":
      return { ending: "silence", applied };
    case "endless-reply":
      return { ending: { flood: bytes ?? 2 ** 30 }, applied };
    case "truncated-reply":
      return { ending: "cut", applied: fault.applied ?? true };
    case "truncated-xml":
      return { instead: halved, applied: fault.applied ?? true };
    case "broken-inside":
      return { instead: brokenInside, applied: fault.applied ?? true };
    case "revoke-key":
      return { revoke: fault.code ?? FAULTS[what].codes[0], applied };
    case "clock-skew":
      return { skew: (fault.seconds ?? 0) * 1000 };
    case "close-connection":
      return { afterwards: fault.announced ?? true ? "close" : "drop" };
    default:
      return { instead: (_due, context) => badReply(fault, context), applied };
  }
}

function halved(due: Reply): Reply {
  return { ...due, body: due.body.slice(0, due.body.length / 2) };
}

/** The first and the last tag are what they should be. */
function brokenInside(due: Reply): Reply {
  const body = typeof due.body === "string" ? due.body : "";
  const end = body.lastIndexOf("</");
  return { ...due, body: `${body.slice(0, end)}<a></b>${body.slice(end)}` };
}

/** A reply that does not depend on the one that is due. */
function badReply(fault: Fault, context: CallContext): Reply {
  const ok = { status: 200, headers: { "content-type": "text/xml" }, body: "" };
  switch (fault.what) {
    case "html-reply":
      return htmlReply(200, "Welcome");
    case "proxy-error":
      return htmlReply(503, "Service Unavailable");
    case "empty-reply":
      return ok;
    case "redirect":
      return { ...ok, status: fault.status ?? 307, headers: { location: fault.to ?? "" } };
    case "many-roots":
      return { ...ok, body: "<a/>".repeat(Math.ceil((fault.bytes ?? 1e6) / 4)) };
    case "gzip-bomb": {
      const body = gzipSync(new Uint8Array(fault.bytes ?? 2 ** 28).fill(0x20), { level: 1 });
      return { ...ok, headers: { ...ok.headers, "content-encoding": "gzip" }, body };
    }
    default: {
      const error = ERRORS[fault.what]?.(fault, context);
      if (error === undefined) throw new Error(`${fault.what} has no reply`);
      const reply = errorReply(context.service, error);
      if (fault.retryAfter === undefined) return reply;
      return { ...reply, headers: { ...reply.headers, "retry-after": `${fault.retryAfter}` } };
    }
  }
}

const ERRORS: Readonly<
  Partial<Record<FaultName, (fault: Fault, context: CallContext) => AwsError>>
> = {
  "throttle": ({ code }) => new AwsError(code ?? FAULTS.throttle.codes[0], 400, "Rate exceeded"),
  "internal-failure": () => new AwsError("InternalFailure", 500, "An internal error occurred"),
  "service-unavailable": () =>
    new AwsError("ServiceUnavailable", 503, "Service is unavailable, please try again"),
  "health-unavailable": () =>
    new AwsError("HealthUnavailable", 500, "The health of the targets is unavailable"),
  "access-denied": (_, context) => accessDenied(context),
  "expired-token": expiredToken,
  "target-group-not-found": (_, { call }) => targetGroupNotFound(call.groupArn),
  "invalid-target": () =>
    new AwsError("InvalidTarget", 400, "The targets are not in the target group VPC"),
  "too-many-targets": () => tooManyTargets(500),
  "giant-code": ({ bytes = 5e6 }) => new AwsError("E".repeat(bytes), 400, "The code is too long"),
};

function accessDenied({ call, caller, service }: CallContext): AwsError {
  const permission = `${service.signedAs}:${call.action}`;
  const resource = call.groupArn === undefined ? "" : ` on resource: ${call.groupArn}`;
  const words = `User: ${caller} is not authorized to perform: ${permission}${resource} ` +
    `because no identity-based policy allows the ${permission} action`;
  return new AwsError("AccessDenied", 403, words);
}

/** Sends the reply as the plan says; undefined where the client left or gets none. */
export async function respond(
  exchange: Exchange,
  reply: Reply,
  { ending, skew, afterwards }: Plan,
): Promise<Outcome | undefined> {
  switch (ending) {
    case "hang":
      return undefined;
    case "silence":
      return void exchange.silence();
    case "reset":
      exchange.reset();
      return "reset";
    case "cut":
      exchange.cut(reply);
      return "cut-off";
    case "reply": {
      const date = new Date(Date.now() + skew);
      return await exchange.reply(reply, { date, afterwards }) ? "answered" : undefined;
    }
    default:
      return await exchange.flood(reply, ending.flood) ? "cut-off" : undefined;
  }
}
