/** The secrets of a pod: none of them can stand in a log by chance. */
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
