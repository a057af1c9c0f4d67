/** What the faults that hold for a call make of it. */
import { gzipSync } from "node:zlib";
import { expiredToken } from "./auth.ts";
import { AwsError, targetGroupNotFound, tooManyTargets, validationError } from "./errors.ts";
import type { Call, Outcome } from "./events.ts";
import type { ErrorFault, Fault, FaultRule, RefusalCode } from "./faults.ts";
import type { Afterwards, Exchange } from "./http.ts";
import { errorReply, htmlReply } from "./replies.ts";
import type { Reply, Service } from "./replies.ts";

/** A wait: for so many milliseconds, or until it is released. */
export type Wait = number | "release";

/** The way of a call; that of one without faults is `PLAIN`. */
export interface Plan {
  /** How far the API's clock is off, in milliseconds. */
  readonly skew: number;
  readonly before: Wait;
  /** Whether the action is carried out though the client leaves before. */
  readonly evenIfGone: boolean;
  readonly applied: boolean;
  readonly after: Wait;
  /** How it ends: by default with the reply that is due. */
  readonly ending: "reply" | "hang" | "reset" | "cut" | "silence" | { readonly flood: number };
  /** The key that signs is refused from now on, with this code. */
  readonly revoke?: RefusalCode;
  /** A reply in the place of the one that is due. */
  readonly instead?: (due: Reply, call: CallContext) => Reply;
  readonly afterwards: Afterwards;
}

/** Of what an error may tell. */
export interface CallContext {
  readonly call: Call;
  readonly service: Service;
  /** The caller's ARN. */
  readonly caller: string;
}

const PLAIN: Plan = {
  skew: 0,
  before: 0,
  evenIfGone: false,
  applied: true,
  after: 0,
  ending: "reply",
  afterwards: "keep",
};

/** The plan that the faults make together; of two that contradict each other the later holds. */
export function planOf(faults: readonly FaultRule[]): Plan {
  return faults.reduce<Plan>((plan, fault) => ({ ...plan, ...effect(fault) }), PLAIN);
}

function effect(fault: Fault): Partial<Plan> {
  switch (fault.what) {
    case "delay":
      return { before: fault.before ?? 0, after: fault.after ?? 0 };
    case "apply-late":
      return { before: fault.time, evenIfGone: true };
    case "hold":
      return fault.at === "after" ? { after: "release" } : { before: "release", evenIfGone: true };
    case "hang":
    case "reset":
      return { ending: fault.what, applied: fault.applied ?? false };
    case "truncated-reply":
      return { ending: "cut", applied: fault.applied ?? true };
    case "truncated-xml":
      return { instead: halved, applied: fault.applied ?? true };
    case "html-reply":
      return { instead: () => htmlReply(200, "Welcome"), applied: fault.applied ?? false };
    case "empty-reply":
      return { instead: () => EMPTY, applied: fault.applied ?? false };
    case "redirect":
      return {
        instead: () => redirection(fault.to, fault.status),
        applied: fault.applied ?? false,
      };
    case "endless-reply":
      return { ending: { flood: fault.bytes ?? 2 ** 30 }, applied: fault.applied ?? false };
    case "gzip-bomb":
      return { instead: () => bomb(fault.bytes ?? 2 ** 28), applied: fault.applied ?? false };
    case "many-roots":
      return { instead: () => manyRoots(fault.bytes ?? 1e6), applied: fault.applied ?? false };
    case "giant-code":
      return { instead: giantCode(fault.bytes ?? 5e6), applied: fault.applied ?? false };
    case "silent-connection":
      return { ending: "silence", applied: fault.applied ?? false };
    case "revoke-key":
      return { revoke: fault.code ?? "InvalidClientTokenId", applied: false };
    case "clock-skew":
      return { skew: fault.seconds * 1000 };
    case "close-connection":
      return { afterwards: fault.announced ?? true ? "close" : "drop" };
    default:
      return { instead: errorOf(fault), applied: fault.applied ?? false };
  }
}

const EMPTY: Reply = { status: 200, headers: { "content-type": "text/xml" }, body: "" };

function halved(due: Reply): Reply {
  return { ...due, body: due.body.slice(0, due.body.length / 2) };
}

function redirection(location: string, status = 307): Reply {
  return { status, headers: { location }, body: "" };
}

function bomb(bytes: number): Reply {
  const headers = { "content-type": "text/xml", "content-encoding": "gzip" };
  return { status: 200, headers, body: gzipSync(new Uint8Array(bytes).fill(0x20), { level: 1 }) };
}

function manyRoots(bytes: number): Reply {
  return { ...EMPTY, body: "<a/>".repeat(Math.ceil(bytes / 4)) };
}

function giantCode(bytes: number): (due: Reply, context: CallContext) => Reply {
  return (_due, { service }) =>
    errorReply(service, new AwsError("E".repeat(bytes), 400, "The code is too long"));
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

function errorOf(fault: ErrorFault): (due: Reply, context: CallContext) => Reply {
  if (fault.what === "proxy-error") return () => htmlReply(503, "Service Unavailable");
  return (_due, context) => {
    const reply = errorReply(context.service, awsError(fault, context));
    if (fault.what !== "throttle" || fault.retryAfter === undefined) return reply;
    return { ...reply, headers: { ...reply.headers, "retry-after": String(fault.retryAfter) } };
  };
}

function awsError(fault: ErrorFault, { call, caller, service }: CallContext): AwsError {
  switch (fault.what) {
    case "throttle":
      return new AwsError(fault.code ?? "ThrottlingException", 400, "Rate exceeded");
    case "internal-failure":
      return new AwsError("InternalFailure", 500, "An internal error occurred");
    case "service-unavailable":
    case "proxy-error":
      return new AwsError("ServiceUnavailable", 503, "Service is unavailable, please try again");
    case "health-unavailable":
      return new AwsError("HealthUnavailable", 500, "The health of the targets is unavailable");
    case "access-denied":
      return accessDenied(call, caller, service);
    case "expired-token":
      return expiredToken();
    case "target-group-not-found":
      return targetGroupNotFound(call.groupArn);
    case "invalid-target":
      return new AwsError("InvalidTarget", 400, "The targets are not in the target group VPC");
    case "too-many-targets":
      return tooManyTargets(500);
    case "validation-error":
      return validationError("A parameter is not valid");
  }
}

function accessDenied(call: Call, caller: string, service: Service): AwsError {
  const permission = `${service.signedAs}:${call.action}`;
  const resource = call.groupArn === undefined ? "" : ` on resource: ${call.groupArn}`;
  return new AwsError(
    "AccessDenied",
    403,
    `User: ${caller} is not authorized to perform: ${permission}${resource} ` +
      `because no identity-based policy allows the ${permission} action`,
  );
}
