/** Which action of which service a request means, and carrying it out. */
import type { AccessKey, AccessKeys } from "./access_keys.ts";
import { ACTIONS } from "./actions.ts";
import { AwsError } from "./errors.ts";
import type { Call } from "./events.ts";
import type { Group } from "./groups.ts";
import type { HttpRequest } from "./http.ts";
import { Form } from "./query.ts";
import { ELB, type Service, STS, type Xml } from "./replies.ts";
import { assumeRoleWithWebIdentity, getCallerIdentity, type Trust } from "./sts.ts";

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

/** The operation that the request names; whether it exists is seen when it is performed. */
export function operationOf(request: HttpRequest): Operation {
  const params = request.method === "POST" ? new URLSearchParams(request.body) : request.query;
  const action = params.get("Action") ?? "";
  const service = STS_ACTIONS.includes(action) ? STS : ELB;
  return { action, params, service, signed: action !== UNSIGNED };
}

/**
 * Carries the operation out.
 * @throws {AwsError} As the API refuses it.
 */
export function perform(
  { params, service }: Operation,
  caller: AccessKey | undefined,
  { groups, keys, trust }: OperationContext,
): Xml {
  const form = new Form(params);
  const action = form.text("Action");
  const version = form.text("Version");
  if (action === "") throw new AwsError("MissingAction", 400, "Missing Action");
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  const isKnown = act !== undefined || STS_ACTIONS.includes(action);
  if (!isKnown || version !== service.version) {
    const of = `operation ${action} for version ${version || "NO_VERSION_SPECIFIED"}`;
    throw new AwsError("InvalidAction", 400, `Could not find ${of}`);
  }
  if (act !== undefined) return act(form, groups);
  return caller === undefined
    ? assumeRoleWithWebIdentity(form, trust, keys)
    : getCallerIdentity(form, caller, trust);
}

/** What the record of a call has of its parameters, be they well-formed or not. */
export function recorded(params: URLSearchParams): Pick<Call, "groupArn" | "names" | "targets"> {
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
