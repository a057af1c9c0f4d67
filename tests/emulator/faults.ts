/**
 * Faults as data: each rule says which calls, which occurrence of them, and what happens. A rule
 * is plain JSON, so that the command line takes the same rules as the tests.
 */

/** The calls that a rule can name. */
export const FAULTABLE = [
  "DescribeTargetGroups",
  "DescribeTargetHealth",
  "RegisterTargets",
  "DeregisterTargets",
  "DescribeTargetGroupAttributes",
  "DescribeTags",
  "AssumeRoleWithWebIdentity",
  "GetCallerIdentity",
] as const;

/** The credential endpoints. A rule holds for one of them only where it names it. */
export const CREDENTIAL_ENDPOINTS = ["ContainerCredentials", "InstanceMetadata"] as const;
export type ActionName = typeof FAULTABLE[number] | typeof CREDENTIAL_ENDPOINTS[number];

/** Which of the calls that fit: counted for each rule by itself. */
export type Occurrence =
  | "first"
  | "every"
  /** The n-th, from 1. */
  | number
  /** The n-th and all later ones. */
  | { readonly from: number }
  /** Each with this probability, by a generator that starts from the seed. */
  | { readonly probability: number; readonly seed?: number };

/** An error is the reply; `applied` (false by default): though the action was carried out. */
export type ErrorFault =
  | {
    readonly what: "throttle";
    readonly applied?: boolean;
    /** @default {"ThrottlingException"} */
    readonly code?: "ThrottlingException" | "Throttling" | "RequestLimitExceeded";
    /** The `Retry-After` header, in seconds; none by default. */
    readonly retryAfter?: number;
  }
  | {
    readonly what:
      | "internal-failure"
      | "service-unavailable"
      | "health-unavailable"
      /** 503 with an HTML page. */
      | "proxy-error"
      | "access-denied"
      | "expired-token"
      | "target-group-not-found"
      | "invalid-target"
      /** The quota of targets is used up. */
      | "too-many-targets"
      | "validation-error";
    readonly applied?: boolean;
  };

/** What happens. Times are in milliseconds; several rules can hold for one call. */
export type Fault =
  | ErrorFault
  /** Waits before carrying the action out (not done, if the client leaves), and after. */
  | { readonly what: "delay"; readonly before?: number; readonly after?: number }
  /** Carries the action out only after so long, and does so though the client has left. */
  | { readonly what: "apply-late"; readonly time: number }
  /**
   * Waits for `Emulator.release()`, by default before carrying the action out, which is done
   * though the client has left.
   */
  | { readonly what: "hold"; readonly at?: "before" | "after" }
  /** Never answers. */
  | { readonly what: "hang"; readonly applied?: boolean }
  /** Resets the TCP connection. */
  | { readonly what: "reset"; readonly applied?: boolean }
  /** 200, half of the reply, and the connection closes; `applied` is true by default. */
  | { readonly what: "truncated-reply"; readonly applied?: boolean }
  /** 200, with half of the XML as if that was all; `applied` is true by default. */
  | { readonly what: "truncated-xml"; readonly applied?: boolean }
  /** 200, and a page of HTML. */
  | { readonly what: "html-reply"; readonly applied?: boolean }
  /** 200, and nothing. */
  | { readonly what: "empty-reply"; readonly applied?: boolean }
  /** 307 by default: the answer is said to be at another URL, which is all in `to`. */
  | {
    readonly what: "redirect";
    readonly to: string;
    readonly status?: number;
    readonly applied?: boolean;
  }
  /** 200, and a reply that goes on until the client leaves, or for `bytes` (1 GiB). */
  | { readonly what: "endless-reply"; readonly bytes?: number; readonly applied?: boolean }
  /** 200, and a reply in gzip that unpacks to `bytes` (256 MiB) of blanks. */
  | { readonly what: "gzip-bomb"; readonly bytes?: number; readonly applied?: boolean }
  /** 200, and a reply of `bytes` (1,000,000) that is one root element after another. */
  | { readonly what: "many-roots"; readonly bytes?: number; readonly applied?: boolean }
  /** 400, with an error code of `bytes` (5,000,000). */
  | { readonly what: "giant-code"; readonly bytes?: number; readonly applied?: boolean }
  /** No reply to this call nor to any later one on its connection; other connections work. */
  | { readonly what: "silent-connection"; readonly applied?: boolean }
  /**
   * Refuses the key that signed the call, from now on, with `code` (`InvalidClientTokenId`). Other
   * keys are good: with the occurrence `first`, the client has to fetch new credentials.
   */
  | { readonly what: "revoke-key"; readonly code?: RefusalCode }
  /** The API's clock is off by so many seconds: in checking signatures, and in `Date`. */
  | { readonly what: "clock-skew"; readonly seconds: number }
  /** Closes the connection after the reply, by default with `Connection: close` in it. */
  | { readonly what: "close-connection"; readonly announced?: boolean };

/** What the API says of a key that it does not take, or not any more. */
export const REFUSAL_CODES = [
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "SignatureDoesNotMatch",
  "InvalidSignatureException",
  "InvalidAccessKeyId",
  "AuthFailure",
] as const;
export type RefusalCode = typeof REFUSAL_CODES[number];

/** Which calls, which of them, and what. */
export type FaultRule = Fault & {
  /** One action or several; any by default. */
  readonly action?: ActionName | readonly ActionName[];
  /** @default {"every"} */
  readonly occurrence?: Occurrence;
};

/** The rules in force, with their counts. */
export class Faults {
  #rules: { readonly rule: FaultRule; readonly hits: () => boolean }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, hits: counter(rule.occurrence ?? "every") });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The faults that hold for a call of this action, which is counted. */
  take(action: string): FaultRule[] {
    return this.#rules
      .filter(({ rule, hits }) => names(rule, action) && hits())
      .map(({ rule }) => rule);
  }
}

function names(rule: FaultRule, action: string): boolean {
  if (rule.action === undefined) return !CREDENTIAL_ENDPOINTS.some((name) => name === action);
  return [rule.action].flat().some((name) => name === action);
}

/** Whether this call is one of the occurrence, called once for each call that fits. */
function counter(occurrence: Occurrence): () => boolean {
  let count = 0;
  if (occurrence === "every") return () => true;
  if (occurrence === "first") return () => ++count === 1;
  if (typeof occurrence === "number") return () => ++count === occurrence;
  if ("from" in occurrence) return () => ++count >= occurrence.from;
  const random = generator(occurrence.seed ?? 1);
  return () => random() < occurrence.probability;
}

/** Numbers in [0, 1) that look random and are the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
