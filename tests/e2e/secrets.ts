/** What must never be read in a log. */
import { STATIC_KEY } from "../emulator/access_keys.ts";
import { PROFILE_KEY, TRUST_OF_PODS } from "./pod_identity.ts";

const SECRETS: readonly (readonly [string, RegExp | string])[] = [
  ["the static secret key", STATIC_KEY.secretAccessKey],
  ["the profile's secret key", PROFILE_KEY.secretAccessKey],
  ["a web identity token", TRUST_OF_PODS.webIdentityToken],
  ["an expired web identity token", TRUST_OF_PODS.expiredWebIdentityToken],
  ["a container authorization token", TRUST_OF_PODS.containerToken],
  // As the emulator issues them.
  ["an issued secret key", /secret-[0-9a-f]{8}-/],
  ["an issued session token", /session-[0-9a-f]{8}-/],
  ["a signature", /Signature=[0-9a-f]/],
];

/** The names of the secrets that stand in a text. */
export function secretsIn(text: string): string[] {
  return SECRETS
    .filter(([, secret]) => typeof secret === "string" ? text.includes(secret) : secret.test(text))
    .map(([name]) => name);
}
