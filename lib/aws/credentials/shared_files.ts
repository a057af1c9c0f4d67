/** The shared config files of the AWS tools, as far as the sidecar reads them itself. */
import { smallFileText } from "../../host/small_file.ts";

/** A line of such a file that makes the SDK run a program. */
const CREDENTIAL_PROCESS = /^\s*credential_process\s*=/m;

/** Whether a profile in these files gets its credentials from a program. */
export function hasCredentialProcess(env: Readonly<Record<string, string>>): boolean {
  const { HOME: home = "" } = env;
  // An empty variable counts as not set, as it does for the SDK.
  const files = [
    env["AWS_CONFIG_FILE"] || `${home}/.aws/config`,
    env["AWS_SHARED_CREDENTIALS_FILE"] || `${home}/.aws/credentials`,
  ];
  return files.some((file) => CREDENTIAL_PROCESS.test(textOf(file)));
}

/** A missing or unreadable file counts as empty: the SDK reads nothing from it either. */
function textOf(file: string): string {
  try {
    return smallFileText(file);
  } catch {
    return "";
  }
}
