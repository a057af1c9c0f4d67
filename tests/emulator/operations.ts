/** Which action of which service a request means, and carrying it out. */
import type { AccessKey, AccessKeys } from "./access_keys.ts";
import { ACTIONS } from "./actions.ts";
import { AwsError } from "./errors.ts";
import type { Group } from "./groups.ts";
import type { HttpRequest } from "./http.ts";
import { Form } from "./query.ts";
import type { Service, Xml } from "./replies.ts";
import { ELB, STS } from "./replies.ts";
import { assumeRoleWithWebIdentity, getCallerIdentity } from "./sts.ts";
import type { Trust } from "./sts.ts";

/** What operations work on. */
export interface OperationContext {
  readonly groups: readonly Group[];
  readonly keys: AccessKeys;
  readonly trust: Trust;
}

/** The one operation that needs no signature: its token says who calls. */
const UNSIGNED = "AssumeRoleWithWebIdentity";
const STS_ACTIONS = [UNSIGNED, "GetCallerIdentity"];

/** A request of the Query protocol. */
export interface Operation {
  /** Empty where the request names none. */
  readonly action: string;
  readonly params: URLSearchParams;
  readonly service: Service;
  readonly signed: boolean;
}

/** The operation that the request asks for; whether it exists is seen when it is performed. */
export function operationOf(request: HttpRequest): Operation {
  const params = request.method === "POST" ? new URLSearchParams(request.body) : request.query;
  const action = params.get("Action") ?? "";
  return {
    action,
    params,
    service: STS_ACTIONS.includes(action) ? STS : ELB,
    signed: action !== UNSIGNED,
  };
}

/**
 * Does what the request asks for.
 * @throws {AwsError} Where it cannot be done, or this server does not know how.
 */
export function perform(
  { params, service }: Operation,
  caller: AccessKey | undefined,
  context: OperationContext,
): Xml {
  const form = new Form(params);
  const action = form.text("Action") ?? "";
  const version = form.text("Version") ?? "";
  if (action === "") throw new AwsError("MissingAction", 400, "Missing Action");
  const known = STS_ACTIONS.includes(action) || Object.hasOwn(ACTIONS, action);
  if (!known || version !== service.version) {
    const asked = version === "" ? "NO_VERSION_SPECIFIED" : version;
    throw new AwsError(
      "InvalidAction",
      400,
      `Could not find operation ${action} for version ${asked}`,
    );
  }
  if (action === UNSIGNED) return assumeRoleWithWebIdentity(form, context.trust, context.keys);
  if (caller !== undefined && action === "GetCallerIdentity") {
    return getCallerIdentity(form, caller, context.trust);
  }
  const act = ACTIONS[action];
  if (act === undefined) throw new Error(`${action} has no implementation`);
  return act(form, context.groups);
}

/** What the record of a call tells of its parameters, be they well-formed or not. */
export function parametersOf(params: URLSearchParams): {
  groupArn?: string;
  names?: readonly string[];
  targets?: readonly { readonly id: string; readonly port?: number }[];
} {
  const groupArn = params.get("TargetGroupArn");
  const names = [...params].filter(([key]) => key.startsWith("Names.member."));
  const ids = [...params].filter(([key]) => /^Targets\.member\.\d+\.Id$/.test(key));
  const targets = ids.map(([key, id]) => {
    const port = params.get(key.replace(/Id$/, "Port"));
    return { id, ...(port === null ? {} : { port: Number(port) }) };
  });
  return {
    ...(groupArn === null ? {} : { groupArn }),
    ...(names.length === 0 ? {} : { names: names.map(([, name]) => name) }),
    ...(targets.length === 0 ? {} : { targets }),
  };
}
