/**
 * Faults as data: each rule says which calls, which occurrence of them, and what happens. A rule
 * is plain JSON, so that the command line takes the same rules as the tests.
 */

/** The calls that a rule can name. */
const ACTIONS = [
  "DescribeTargetGroups",
  "DescribeTargetHealth",
  "RegisterTargets",
  "DeregisterTargets",
  "DescribeTargetGroupAttributes",
  "AssumeRoleWithWebIdentity",
  "GetCallerIdentity",
] as const;
/** The credential endpoints. A rule holds for one of them only where it names it. */
const CREDENTIAL_ENDPOINTS = ["ContainerCredentials", "InstanceMetadata"] as const;
export type ActionName = typeof ACTIONS[number] | typeof CREDENTIAL_ENDPOINTS[number];
const NAMES: readonly string[] = [...ACTIONS, ...CREDENTIAL_ENDPOINTS];

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

/** What a fault does, and what it takes. */
export interface Description {
  readonly help: string;
  /** Parameters besides `action` and `occurrence`; those with `!` are needed. */
  readonly takes: readonly (keyof Omit<Fault, "what"> | "to!" | "time!" | "seconds!")[];
  /** The values of `code`, the first one by default. */
  readonly codes?: readonly string[];
}

/** All faults: an error is the reply, or something worse. */
export const FAULTS = {
  "throttle": {
    help: '"code", with "retryAfter" seconds',
    takes: ["applied", "code", "retryAfter"],
    codes: ["Throttling", "ThrottlingException", "RequestLimitExceeded"],
  },
  "internal-failure": { help: "500", takes: ["applied"] },
  "service-unavailable": { help: "503", takes: ["applied"] },
  "health-unavailable": { help: "500, HealthUnavailable", takes: ["applied"] },
  "proxy-error": { help: "503 with a page of HTML", takes: ["applied"] },
  "access-denied": { help: "403", takes: ["applied"] },
  "expired-token": { help: "403", takes: ["applied"] },
  "target-group-not-found": { help: "400", takes: ["applied"] },
  "invalid-target": { help: "400", takes: ["applied"] },
  "too-many-targets": {
    help: "400, as at the quota (--quota sets a real one)",
    takes: ["applied"],
  },
  "delay": { help: 'waits "before" and "after" carrying it out', takes: ["before", "after"] },
  "apply-late": { help: 'carries it out after "time", though the client left', takes: ["time!"] },
  "hold": { help: "waits for a release before carrying it out", takes: [] },
  "hang": { help: "never answers", takes: ["applied"] },
  "reset": { help: "resets the connection", takes: ["applied"] },
  "truncated-reply": { help: "200, half of it, and the connection closes", takes: ["applied"] },
  "truncated-xml": { help: "200, half of the XML as if that was all", takes: ["applied"] },
  "broken-inside": { help: "200, a whole root element with broken XML inside", takes: ["applied"] },
  "html-reply": { help: "200, a page of HTML", takes: ["applied"] },
  "empty-reply": { help: "200, nothing", takes: ["applied"] },
  "redirect": { help: '"status" (307) to the URL in "to"', takes: ["to!", "status", "applied"] },
  "endless-reply": {
    help: '200, blanks without end; "bytes" for an end (1 GiB)',
    takes: ["bytes", "applied"],
  },
  "gzip-bomb": {
    help: '200, in gzip, unpacks to so many "bytes" (256 MiB)',
    takes: ["bytes", "applied"],
  },
  "many-roots": {
    help: '200, "bytes" (1 MB) of one root element after another',
    takes: ["bytes", "applied"],
  },
  "giant-code": {
    help: '400, an error code of so many "bytes" (5 MB)',
    takes: ["bytes", "applied"],
  },
  "silent-connection": {
    help: "answers neither it nor later calls on its connection; new ones work",
    takes: ["applied"],
  },
  "revoke-key": {
    help: 'refuses its key from now on with "code"; keys fetched anew are good',
    takes: ["code"],
    codes: [
      ...["InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"],
      ...["InvalidSignatureException", "InvalidAccessKeyId", "AuthFailure"],
    ],
  },
  "clock-skew": { help: 'the API\'s clock is off by "seconds"', takes: ["seconds!"] },
  "close-connection": {
    help: 'closes it after the reply, "announced" (default) or not',
    takes: ["announced"],
  },
} as const satisfies Record<string, Description>;
export type FaultName = keyof typeof FAULTS;

/** What happens; `FAULTS` tells which parameters go with which fault. Times are in milliseconds. */
export interface Fault {
  readonly what: FaultName;
  /** Whether the action is carried out all the same. @default {true} for truncated and broken replies */
  readonly applied?: boolean;
  readonly code?: string;
  readonly retryAfter?: number;
  readonly seconds?: number;
  readonly before?: number;
  readonly after?: number;
  readonly time?: number;
  readonly announced?: boolean;
  readonly to?: string;
  readonly status?: number;
  readonly bytes?: number;
}

/** Which calls, which of them, and what. Several rules can hold for one call. */
export interface FaultRule extends Fault {
  /** One action or several; by default any of the API. */
  readonly action?: ActionName | readonly ActionName[];
  /** @default {"every"} */
  readonly occurrence?: Occurrence;
}

/** The rules in force, with their counts. */
export class Faults {
  #rules: { readonly rule: FaultRule; readonly hits: () => boolean }[] = [];

  /** @throws {RangeError} Where it is no fault rule. */
  add(rule: FaultRule): void {
    assertFaultRule(rule);
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

/** The rule in a JSON text. @throws {RangeError} Where it is none; says all that is wrong. */
export function parseFaultRule(text: string): FaultRule {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError(`Cannot read fault ${text}: it is not JSON`);
  }
  assertFaultRule(value);
  return value;
}

function assertFaultRule(value: unknown): asserts value is FaultRule {
  const errors = isRecord(value) ? errorsOf(value) : ["it is not an object"];
  if (errors.length === 0) return;
  throw new RangeError(`Cannot use fault ${JSON.stringify(value)}: ${errors.join("; ")}`);
}

function errorsOf({ action, occurrence, what, ...parameters }: Record<string, unknown>): string[] {
  const errors = (action === undefined ? [] : [action].flat())
    .filter((name) => !NAMES.some((known) => known === name))
    .map((name) => `action ${JSON.stringify(name)} is none of ${NAMES.join(", ")}`);
  if (!isOccurrence(occurrence)) {
    errors.push(
      'occurrence is not "first", "every", a number from 1, {"from": number} ' +
        'or {"probability": 0 to 1, "seed": number}',
    );
  }
  const description = Object.entries(FAULTS).find(([name]) => name === what)?.[1];
  return description === undefined
    ? [...errors, `what ${JSON.stringify(what)} is none of ${Object.keys(FAULTS).join(", ")}`]
    : [...errors, ...parameterErrors(String(what), description, parameters)];
}

/** Names and codes alone: a value of the wrong type does not compile, or is seen at once. */
function parameterErrors(
  what: string,
  { takes, codes = [] }: Description,
  parameters: Record<string, unknown>,
): string[] {
  const known = takes.map((name) => name.replace("!", ""));
  const missing = takes.filter((name) => name.endsWith("!") && !(name.slice(0, -1) in parameters));
  const { code = codes[0] } = parameters;
  return [
    ...missing.map((name) => `${what} needs ${name.slice(0, -1)}`),
    ...Object.keys(parameters).filter((name) => !known.includes(name))
      .map((name) => `${what} has no ${name}`),
    ...(codes.some((one) => one === code) || code === undefined
      ? []
      : [`code is not one of ${codes.join(", ")}`]),
  ];
}

function isOccurrence(value: unknown): boolean {
  if (value === undefined || value === "first" || value === "every" || isCount(value)) return true;
  if (!isRecord(value)) return false;
  const { from, probability, seed = 1, ...rest } = value;
  if (Object.keys(rest).length > 0) return false;
  if (from !== undefined) return isCount(from) && probability === undefined;
  return typeof probability === "number" && probability >= 0 && probability <= 1 &&
    Number.isInteger(seed);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
