/** How one API call goes: what the network and the server do with it. */
import type { ApiCall, ApiErrorDetails } from "../../lib/aws/errors.ts";
import type { Tape, Weighted } from "./tape.ts";
import type { Incident } from "./reachable.ts";

/** The course of one call. Times in milliseconds. */
export interface Course {
  readonly incident?: Incident;
  /** From the call to the moment the request goes out. */
  readonly sentAfter: number;
  /** From then to when it is applied, each time; empty: never. */
  readonly appliedAfter: readonly number[];
  /** From the request to the answer; undefined: it never comes. */
  readonly answeredAfter: number | undefined;
  /** The answer, where that is a fault. */
  readonly fault?: Pick<ApiErrorDetails, "code" | "effect" | "retryable" | "retryAfter">;
  /**
   * The server applies it once more or for the first time after the client has heard of a fault,
   * or has given it up: so long after that. Below the settle time.
   */
  readonly lateAfter?: number;
  /** So old is what a describing call tells. */
  readonly staleness: number;
}

/** How hostile a schedule's world is: what part of its calls goes wrong. */
export interface Weather {
  /** 0: all goes well; 1: nothing does. */
  readonly trouble: number;
  /** The few troubles of an outage; none: a call can have any. */
  readonly outage: readonly Trouble[];
  /** When the trouble ends for good. */
  readonly clearsAt: number;
  /** How long after it was given up a call may still be applied. */
  readonly settle: number;
  /** Calls that the role does not allow for a while. */
  readonly denials: readonly Denial[];
  /** RegisterTargets finds no room in the load balancer's quota between two moments. */
  readonly quota: { readonly from: number; readonly to: number };
}

/** A call that is denied between two moments. */
export interface Denial {
  readonly call: ApiCall;
  readonly from: number;
  readonly to: number;
}

/** One way in which a call goes wrong: what is other than in a call that goes well. */
export type Trouble = (tape: Tape, weather: Weather) => Partial<Course>;

const THROTTLED = { code: "Throttling", effect: "none", retryable: true } as const;
const REFUSED = { code: "ConnectionRefused", effect: "none", retryable: true } as const;
const SERVER_ERROR = { code: "InternalFailure", effect: "unknown", retryable: true } as const;
const CUT_OFF = { code: "ConnectionReset", effect: "unknown", retryable: true } as const;
const ODD = { code: "UnexpectedReply", effect: "unknown", retryable: true } as const;
const DENIED = { code: "AccessDenied", effect: "none", retryable: false } as const;
const QUOTA = { code: "TooManyTargets", effect: "none", retryable: true } as const;
const OLD_KEY = { code: "InvalidClientTokenId", effect: "none", retryable: true } as const;
const REDIRECTED = { code: "UnexpectedReply", effect: "none", retryable: true } as const;

/** All that can go wrong with a call. A new fault is a line here. */
const TROUBLES: readonly Weighted<Trouble>[] = [
  [3, (tape) => ({
    incident: "throttled",
    appliedAfter: [],
    fault: tape.happens(0.3) ? { ...THROTTLED, retryAfter: tape.time(20_000) } : THROTTLED,
  })],
  [2, () => ({ incident: "refused connection", appliedAfter: [], fault: REFUSED })],
  [2, (tape) => ({
    incident: "server error",
    appliedAfter: tape.happens(0.5) ? [tape.time(20)] : [],
    fault: tape.pick([SERVER_ERROR, CUT_OFF, ODD]),
  })],
  [
    3,
    (tape) => ({
      incident: "lost reply",
      appliedAfter: [tape.time(9_000)],
      answeredAfter: undefined,
    }),
  ],
  [2, () => ({ incident: "never applied", appliedAfter: [], answeredAfter: undefined })],
  [3, (tape, { settle }) => ({
    incident: "late application",
    appliedAfter: [],
    answeredAfter: tape.happens(0.5) ? tape.time(9_000) : undefined,
    fault: tape.pick([SERVER_ERROR, CUT_OFF]),
    lateAfter: Math.floor(tape.number() * settle),
  })],
  [1, (tape) => {
    const answeredAfter = 2 + tape.time(3_000);
    return {
      incident: "applied twice",
      appliedAfter: [1, answeredAfter - 1],
      answeredAfter,
    };
  }],
  [1, (tape, { settle }) => ({
    incident: "applied twice",
    appliedAfter: [tape.time(3_000)],
    answeredAfter: undefined,
    lateAfter: Math.floor(tape.number() * settle),
  })],
  [6, (tape, { settle }) => ({
    incident: "stale reply",
    appliedAfter: [1],
    // A slow one is the dangerous one: when it comes, it is older still than it looks.
    answeredAfter: 2 + Math.floor(9_000 * tape.number()),
    staleness: Math.floor(tape.number() * settle),
  })],
  [1, (tape) => ({ sentAfter: tape.time(15_000), incident: "slow credentials" })],
  [0.4, () => ({ incident: "final refusal", appliedAfter: [], fault: DENIED })],
  [1, (tape) => ({
    incident: "refused credentials",
    appliedAfter: [],
    fault: tape.pick([OLD_KEY, REDIRECTED]),
  })],
];

/** Draws up to three troubles that come together: what one hides, another brings to light. */
export function drawOutage(tape: Tape): readonly Trouble[] {
  const count = tape.choose([[4, 0], [1, 1], [2, 2], [2, 3]]);
  return Array.from({ length: count }, () => tape.choose(TROUBLES));
}

/** Draws what the role does not allow: for a while, or for all of the life. */
export function drawDenials(tape: Tape): readonly Denial[] {
  const call = tape.choose<ApiCall | undefined>([
    [16, undefined],
    [2, "DescribeTargetHealth"],
    [2, "DescribeTargetGroupAttributes"],
    [1, "DeregisterTargets"],
  ]);
  if (call === undefined) return [];
  const from = tape.choose([[1, 0], [1, tape.time(300_000)]]);
  return [{ call, from, to: tape.choose([[1, Infinity], [1, from + tape.time(300_000)]]) }];
}

/** What refuses a call at a moment, whatever else goes well. */
function refusal(call: ApiCall, { denials, quota }: Weather, now: number): Partial<Course> {
  const isDenied = denials.some((one) => one.call === call && now >= one.from && now < one.to);
  if (isDenied) return { incident: "final refusal", appliedAfter: [], fault: DENIED };
  const isFull = call === "RegisterTargets" && now >= quota.from && now < quota.to;
  return isFull ? { incident: "quota", appliedAfter: [], fault: QUOTA } : {};
}

/** Draws the course of a call that is made now. */
export function drawCourse(tape: Tape, call: ApiCall, weather: Weather, now: number): Course {
  const answeredAfter = 2 + tape.time(tape.happens(0.1) ? 9_000 : 60);
  const well: Course = {
    sentAfter: 0,
    appliedAfter: [Math.floor((answeredAfter - 1) * tape.number())],
    answeredAfter,
    staleness: 0,
    ...refusal(call, weather, now),
  };
  if (well.fault !== undefined) return well;
  if (now >= weather.clearsAt || !tape.happens(weather.trouble)) return well;
  const { outage } = weather;
  const trouble = outage.length > 0 ? tape.pick(outage) : tape.choose(TROUBLES);
  return { ...well, ...trouble(tape, weather) };
}
