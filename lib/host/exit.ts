/** How the process ends: an interface, on which manifests and scripts may rely. */

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

/** What each exit code tells a person; the usage text and the docs print this. */
export const EXIT_DESCRIPTIONS: Readonly<Record<ExitName, string>> = {
  done: "done: nothing is left registered",
  error: "unexpected fault",
  usage: "usage: a flag or an environment variable is wrong",
  groupNotResolved: "target group not resolved: nothing was registered",
  notRegistered: "target not registered, or not in service where that is required",
  deregistrationNotConfirmed: "deregistration not confirmed: the target may still be registered",
  preRegisterRefused: "pre-register hook refused: nothing was registered",
  applicationNeverReady: "application never ready: nothing was registered",
};

/** A step's failure that ends the life; its message is the sentence that the user gets to read. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(readonly exit: ExitName, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
  }
}
