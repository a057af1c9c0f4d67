/** What the service answers. */

/** An answer: a status, and a short text for people, unless `type` says otherwise. */
export interface Reply {
  readonly status: number;
  /** Without its last line break where it is a sentence. */
  readonly text: string;
  /** The `Content-Type`; plain text where it is left out. */
  readonly type?: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** All is well. */
export function ok(text: string): Reply {
  return { status: 200, text };
}

/** Not now; the text says why. */
export function unavailable(reason: string): Reply {
  return { status: 503, text: reason };
}
