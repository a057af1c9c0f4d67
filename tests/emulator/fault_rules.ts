/** Fault rules from JSON: all that is wrong with one is said at once. */
import { CREDENTIAL_ENDPOINTS, FAULTABLE, REFUSAL_CODES } from "./faults.ts";
import type { Fault, FaultRule } from "./faults.ts";

/** What a parameter must be: a test, and the words for it. */
interface Kind {
  readonly fits: (value: unknown) => boolean;
  readonly words: string;
}

const flag: Kind = { fits: (value) => typeof value === "boolean", words: "true or false" };
const seconds: Kind = { fits: (value) => Number.isInteger(value), words: "a whole number" };
const time: Kind = {
  fits: (value) => typeof value === "number" && value >= 0,
  words: "a number of milliseconds",
};

function oneOf(...values: readonly string[]): Kind {
  return {
    fits: (value) => typeof value === "string" && values.includes(value),
    words: `one of ${values.join(", ")}`,
  };
}

const bytes: Kind = { fits: isCount, words: "a whole number of bytes from 1" };
const redirection: Kind = {
  fits: (value) => Number.isInteger(value) && Number(value) >= 300 && Number(value) <= 399,
  words: "a status of 300 to 399",
};
const url: Kind = {
  fits: (value) => typeof value === "string" && URL.canParse(value),
  words: "a URL",
};

const error = { applied: flag };
const sized = { bytes, applied: flag };

const ACTIONS: readonly string[] = [...FAULTABLE, ...CREDENTIAL_ENDPOINTS];

/** The parameters of each fault. */
const PARAMETERS: Readonly<Record<Fault["what"], Readonly<Record<string, Kind>>>> = {
  "throttle": {
    applied: flag,
    code: oneOf("ThrottlingException", "Throttling", "RequestLimitExceeded"),
    retryAfter: seconds,
  },
  "internal-failure": error,
  "service-unavailable": error,
  "health-unavailable": error,
  "proxy-error": error,
  "access-denied": error,
  "expired-token": error,
  "target-group-not-found": error,
  "invalid-target": error,
  "too-many-targets": error,
  "validation-error": error,
  "delay": { before: time, after: time },
  "apply-late": { time },
  "hold": { at: oneOf("before", "after") },
  "hang": { applied: flag },
  "reset": { applied: flag },
  "truncated-reply": { applied: flag },
  "truncated-xml": { applied: flag },
  "html-reply": { applied: flag },
  "empty-reply": { applied: flag },
  "redirect": { to: url, status: redirection, applied: flag },
  "endless-reply": sized,
  "gzip-bomb": sized,
  "many-roots": sized,
  "giant-code": sized,
  "silent-connection": { applied: flag },
  "revoke-key": { code: oneOf(...REFUSAL_CODES) },
  "clock-skew": { seconds },
  "close-connection": { announced: flag },
};

/** Parameters that have no default. */
const REQUIRED: Readonly<Partial<Record<Fault["what"], string>>> = {
  "apply-late": "time",
  "clock-skew": "seconds",
  "redirect": "to",
};

/** The names of all faults. */
export const FAULT_NAMES: readonly string[] = Object.keys(PARAMETERS);

/**
 * The rule in a JSON text.
 * @throws {RangeError} Where it is none; the message has all that is wrong.
 */
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

/** @throws {RangeError} Where the value is no fault rule; the message has all that is wrong. */
export function assertFaultRule(value: unknown): asserts value is FaultRule {
  const faults = isRecord(value) ? faultsOf(value) : ["it is not an object"];
  if (faults.length > 0) {
    throw new RangeError(`Cannot use fault ${JSON.stringify(value)}: ${faults.join("; ")}`);
  }
}

function faultsOf({ action, occurrence, what, ...parameters }: Record<string, unknown>): string[] {
  const faults: string[] = [];
  const actions = action === undefined ? [] : [action].flat();
  for (const name of actions) {
    if (!ACTIONS.some((known) => known === name)) {
      faults.push(`action ${JSON.stringify(name)} is none of ${ACTIONS.join(", ")}`);
    }
  }
  if (!isOccurrence(occurrence)) {
    faults.push(
      'occurrence is not "first", "every", a number from 1, {"from": number} ' +
        'or {"probability": 0 to 1, "seed": number}',
    );
  }
  if (!isFaultName(what)) {
    return [...faults, `what ${JSON.stringify(what)} is none of ${FAULT_NAMES.join(", ")}`];
  }
  return [...faults, ...parameterFaults(what, parameters)];
}

function parameterFaults(what: Fault["what"], parameters: Record<string, unknown>): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    const kind = PARAMETERS[what][name];
    if (kind === undefined) faults.push(`${what} has no ${name}`);
    else if (!kind.fits(value)) faults.push(`${name} is not ${kind.words}`);
  }
  const required = REQUIRED[what];
  if (required !== undefined && parameters[required] === undefined) {
    faults.push(`${what} needs ${required}`);
  }
  return faults;
}

function isFaultName(what: unknown): what is Fault["what"] {
  return typeof what === "string" && Object.hasOwn(PARAMETERS, what);
}

function isOccurrence(value: unknown): boolean {
  if (value === undefined || value === "first" || value === "every") return true;
  if (isCount(value)) return true;
  if (!isRecord(value)) return false;
  const { from, probability, seed, ...rest } = value;
  if (Object.keys(rest).length > 0) return false;
  if (from !== undefined) return isCount(from) && probability === undefined && seed === undefined;
  return typeof probability === "number" && probability >= 0 && probability <= 1 &&
    (seed === undefined || Number.isInteger(seed));
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
