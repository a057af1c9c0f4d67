/** Whose credentials pods get, and how; no secret of them can stand in a log by chance. */
import type { AccessKey } from "../emulator/access_keys.ts";
import { TRUST, type Trust } from "../emulator/sts.ts";

export const TRUST_OF_PODS: Trust = {
  ...TRUST,
  webIdentityToken: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaWRlY2FyIn0.d2ViLWlkZW50aXR5",
  expiredWebIdentityToken: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaWRlY2FyIn0.ZXhwaXJlZA",
  containerToken: "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJwb2RzIn0.cG9kLWlkZW50aXR5",
};

/** The key in the files of a pod that has a profile. */
export const PROFILE_KEY: AccessKey = {
  accessKeyId: "AKIAI44QH8DHBEXAMPLE",
  secretAccessKey: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
  identity: "profile",
};

/** What both webhooks of EKS mount. */
export const TOKEN_FILES = {
  "irsa/token": TRUST_OF_PODS.webIdentityToken,
  "pod-identity/token": TRUST_OF_PODS.containerToken,
};

interface Where {
  /** Of the emulator. */
  readonly url: string;
  readonly home: string;
}

/** As the webhook of IRSA injects it. */
export const IRSA = ({ home }: Pick<Where, "home">): Readonly<Record<string, string>> => ({
  AWS_ROLE_ARN: TRUST_OF_PODS.roleArn,
  AWS_WEB_IDENTITY_TOKEN_FILE: `${home}/irsa/token`,
});

/** As the webhook of EKS Pod Identity injects it. */
export const POD_IDENTITY = ({ url, home }: Where): Readonly<Record<string, string>> => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${home}/pod-identity/token`,
});
