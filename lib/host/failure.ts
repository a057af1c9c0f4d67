import type { ExitName } from "./exit.ts";

/** A step's failure that ends the life; its message is the sentence that the user gets to read. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(readonly exit: ExitName, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
  }
}
