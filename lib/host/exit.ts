/** How the process ends: an interface that manifests and scripts rely on. */

/** The exit codes, by what they mean. */
export const EXIT = {
  done: 0,
  error: 1,
  usage: 2,
  groupNotResolved: 3,
  notRegistered: 4,
  deregistrationNotConfirmed: 5,
  preRegisterRefused: 6,
  applicationNeverReady: 7,
} as const;

export type ExitName = keyof typeof EXIT;
export type ExitCode = typeof EXIT[ExitName];

/** What each exit code means to people; the usage text and the docs print this. */
export const EXIT_DESCRIPTIONS: Readonly<Record<ExitName, string>> = {
  done: "done: nothing is left registered",
  error: "unexpected error",
  usage: "usage error: a flag or an environment variable is invalid",
  groupNotResolved: "target group not resolved: nothing was registered",
  notRegistered: "target not registered, or not in service where that is required",
  deregistrationNotConfirmed: "deregistration not confirmed: the target may still be registered",
  preRegisterRefused: "pre-register hook failed: nothing was registered",
  applicationNeverReady: "application never ready: nothing was registered",
};

/** An error of a step that ends the lifecycle; its message is for the user. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(readonly exit: ExitName, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
