/** The actions of the security token service. */
import { type AccessKey, type AccessKeys, timestamp } from "./access_keys.ts";
import { AwsError } from "./errors.ts";
import { type Form } from "./query.ts";
import { ACCOUNT } from "./actions.ts";
import type { Xml } from "./replies.ts";

/** Whom the credential endpoints trust, and with what. */
export interface Trust {
  /** The role of all issued credentials. @default {"arn:aws:iam::123456789012:role/sidecar"} */
  readonly roleArn: string;
  /** What AssumeRoleWithWebIdentity takes. @default {"web-identity-token"} */
  readonly webIdentityToken: string;
  /** What it calls expired. @default {"expired-web-identity-token"} */
  readonly expiredWebIdentityToken: string;
  /** The Authorization header of the container endpoint. @default {"container-token"} */
  readonly containerToken: string;
}

export const TRUST: Trust = {
  roleArn: `arn:aws:iam::${ACCOUNT}:role/sidecar`,
  webIdentityToken: "web-identity-token",
  expiredWebIdentityToken: "expired-web-identity-token",
  containerToken: "container-token",
};

/** AssumeRoleWithWebIdentity: the one action that is not signed. */
export function assumeRoleWithWebIdentity(form: Form, trust: Trust, keys: AccessKeys): Xml {
  const roleArn = form.required("RoleArn");
  const session = form.required("RoleSessionName");
  const token = form.required("WebIdentityToken");
  form.text("DurationSeconds");
  form.refuseRest();
  if (token === trust.expiredWebIdentityToken) {
    throw new AwsError("ExpiredTokenException", 400, "Token expired");
  }
  if (token !== trust.webIdentityToken) {
    throw new AwsError("InvalidIdentityToken", 400, "The ID Token provided is not a valid JWT.");
  }
  if (roleArn !== trust.roleArn) {
    const words = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    throw new AwsError("AccessDenied", 403, words);
  }
  const key = keys.issue("web-identity");
  return {
    Credentials: {
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      SessionToken: key.sessionToken,
      Expiration: timestamp(key.expires),
    },
    SubjectFromWebIdentityToken: "system:serviceaccount:default:sidecar",
    AssumedRoleUser: {
      Arn: assumedRole(session, trust),
      AssumedRoleId: `AROAEXAMPLEEXAMPLE:${session}`,
    },
    Provider: "arn:aws:iam::123456789012:oidc-provider/oidc.example.com",
    Audience: "sts.amazonaws.com",
  };
}

/** GetCallerIdentity: who signed the call. */
export function getCallerIdentity(form: Form, caller: AccessKey, trust: Trust): Xml {
  form.refuseRest();
  return { Arn: callerArn(caller, trust), UserId: "AIDAEXAMPLEEXAMPLE", Account: ACCOUNT };
}

/** The caller's ARN: a user for long-lived keys, an assumed role for others. */
export function callerArn(caller: AccessKey, trust: Trust): string {
  return caller.sessionToken === undefined
    ? `arn:aws:iam::${ACCOUNT}:user/${caller.identity}`
    : assumedRole(caller.identity, trust);
}

function assumedRole(session: string, { roleArn }: Trust): string {
  const role = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  return `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${session}`;
}
