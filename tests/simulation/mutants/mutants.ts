/**
 * Deliberate changes of behaviour. Each names a function, what to find in it (white space does not
 * count) and what to put there. The simulation has to catch each, or the tests that it names: one
 * that survives means that a promise has no check.
 */

/** One change. */
export interface Mutant {
  /** What goes wrong with it. */
  readonly name: string;
  /** `file#function`, below `lib/`. */
  readonly at: string;
  readonly find: string;
  readonly put: string;
  /** Files of tests that catch it; by default the simulation. */
  readonly tests?: readonly string[];
}

type Row = readonly [name: string, find: string, put: string];

/** Changes of one function. */
function inside(at: string, rows: readonly Row[], ...tests: readonly string[]): Mutant[] {
  return rows.map(([name, find, put]) => ({
    ...{ name, at, find, put },
    ...(tests.length > 0 && { tests }),
  }));
}

const OF_DEREGISTERING: readonly Mutant[] = [
  ...inside("registration/deregister.ts#attempt", [
    [
      "an answered DeregisterTargets is the end, whatever is in doubt",
      "sentAt >= registration.doubtUntil",
      "true",
    ],
    [
      "a registration that was answered beside deregistering stays",
      `if (result === "registered") return "send-again";`,
      `if (result === "registered") return "deregistered";`,
    ],
    [
      "a refused DeregisterTargets counts as done",
      "if (error !== undefined) {",
      `if (error !== undefined && error.effect === "unknown") {`,
    ],
    [
      "a registration in flight is not waited for",
      "const result = inFlight === undefined",
      "const result = true || inFlight === undefined",
    ],
  ]),
  ...inside("registration/deregister.ts#pollAfterError", [
    [
      "a poll right after registering is believed",
      "registration.options.clock.now() >= registration.settledAt",
      "true",
    ],
    [
      "after an error, any poll means deregistered",
      `isSettled && (seen === "draining" || seen === "absent")`,
      "isSettled",
    ],
    [
      "a slow poll counts from its answer",
      "return isSettled && (",
      "return registration.options.clock.now() >= registration.settledAt && (",
    ],
    [
      "an error of DeregisterTargets counts as done where a registration is in flight",
      "if (refusedForNow || registration.inFlight !== undefined) return error;",
      `if (registration.inFlight !== undefined) return "deregistered"; if (refusedForNow) return error;`,
    ],
  ]),
  ...inside("registration/deregister.ts#pollUntilSettled", [
    [
      "once the doubt is over, the poll before it is believed",
      `return "send-again";`,
      `return "deregistered" as "send-again";`,
    ],
  ]),
  ...inside("registration/deregister.ts#untilConfirmed", [
    [
      "deregistering gives up early",
      "clock.within(time, ",
      "clock.within(time / 2, ",
    ],
    [
      "deregistering continues long after its time",
      "clock.within(time, ",
      "clock.within(time * 20, ",
    ],
    [
      "the settle time is not added to the time for deregistering",
      "inDoubt ? times.confirmSettle : 0",
      "0",
    ],
    [
      "DeregisterTargets again and again without a pause",
      "await sleep(clock.within(pause, deadline));",
      "await sleep(clock.within(0 * pause, deadline));",
    ],
  ]),
  ...inside("registration/deregister.ts#earlierEnds", [
    ["a second stop signal ends deregistering at once", "within(PATIENCE)", "within(1)"],
    ["a second stop signal does not end it", "[forced]", "[]"],
    ["a grace period that begins meanwhile does not end it", "grace ? [grace] : []", "[]"],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("registration/deregister.ts#untilConfirmed", [
    ["without a limit, one refusal ends it", ">= PATIENCE", ">= 0"],
    ["without a limit, a refusal never ends it", ">= PATIENCE", "=== Infinity"],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("registration/deregister.ts#untilConfirmed", [
    ["no time is kept for deregistering in a grace period", "Math.max(SHORTEST,", "Math.max(0,"],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("registration/deregister.ts#untilConfirmed", [
    [
      "16.14: a final refusal is repeated as fast as any error",
      "error.retryable ? delay : Math.max(delay, REFUSED_PAUSE)",
      "delay",
    ],
  ]),
  ...inside("registration/health.ts#seenIn", [
    [
      "a poll that fails means absent",
      `polled.code === "InvalidTarget" ? "absent"`,
      `polled.code !== "" ? "absent"`,
    ],
  ]),
  ...inside("registration/deregister.ts#sendDeregister", [
    [
      "a DeregisterTargets call has no limit of its own",
      "signal: deadline, timeout",
      "signal: deadline, timeout: 3_600_000",
    ],
  ]),
  ...inside("registration/deregister.ts#isDenied", [
    [
      "16.10: a deleted group proves nothing where DescribeTargetHealth is denied",
      "return seen instanceof ApiError",
      "return false && seen instanceof ApiError",
    ],
  ], "tests/unit/registration/registration_test.ts"),
  ...inside("registration/registration.ts#poll", [
    [
      "16.12: DescribeTargetHealth names the zone",
      "const { availabilityZone: _, ...target } = this.target;",
      "const { target } = this;",
    ],
  ]),
];

const OF_REGISTERING: readonly Mutant[] = [
  ...inside("registration/registration.ts##attempt", [
    [
      "a stop drops a registration in flight",
      `onSend: () => { signal.removeEventListener("abort", drop);`,
      "onSend: () => {",
    ],
  ]),
  ...inside("registration/registration.ts##failed", [
    [
      "a server error of RegisterTargets counts as a refusal",
      `(error instanceof ApiError && error.effect === "none")`,
      "(error instanceof ApiError)",
    ],
    [
      "a registration that was given up counts as never sent",
      "const wasSent = this.#inFlight !== undefined;",
      "const wasSent = false;",
    ],
    [
      "an unanswered attempt leaves no doubt",
      "this.#doubtUntil = this.#settleTime();",
      "this.#settledAt = this.#settleTime();",
    ],
  ]),
  ...inside("registration/registration.ts##answered", [
    [
      "an answer makes an earlier attempt's doubt forgotten",
      `return "registered";`,
      `this.#doubtUntil = -Infinity; return "registered";`,
    ],
  ]),
  ...inside("registration/registration.ts##settleTime", [
    ["what is in doubt is so for no time", "+ this.options.times.confirmSettle", ""],
  ]),
  ...inside("registration/registration.ts#mayBeRegistered", [
    [
      "only an answered registration is taken back",
      `at === "registered" || at === "unknown" || this.#inFlight !== undefined`,
      `at === "registered"`,
    ],
  ]),
  ...inside("registration/registration.ts#register", [
    [
      "registering continues after a stop",
      "clock.within(times.register, stop)",
      "clock.within(times.register)",
    ],
  ]),
  ...inside("registration/registration.ts##untilEarlierCallsEnd", [
    [
      "a new registration cycle registers beside a call of the one before",
      "if (this.#inFlight !== undefined) await abortable(this.#inFlight, stop);",
      "",
    ],
    [
      "a late DeregisterTargets call deregisters what was registered since",
      "if (left > 0) await sleep(clock.within(left, stop));",
      "",
    ],
  ]),
];

const OF_RETRIES: readonly Mutant[] = [
  ...inside("aws/retry.ts#retry", [
    ["what was refused for good is tried again", "if (!error.retryable) throw error;", ""],
    ["the first error is the last", "if (!error.retryable) throw error;", "throw error;"],
    [
      "an attempt has no limit of its own",
      "attempt({ signal, timeout })",
      "attempt({ signal, timeout: 3_600_000 })",
    ],
    [
      "a pause between attempts does not heed the stop",
      "clock.within(delay, signal)",
      "clock.within(delay)",
    ],
    [
      "no pause between attempts",
      "clock.within(delay, signal)",
      "clock.within(0 * delay, signal)",
    ],
  ]),
  ...inside("aws/retry.ts#attemptTime", [
    ["an attempt may take all of its step's time", "step / 3", "step"],
  ]),
  ...inside("aws/sdk_errors.ts#unparsed", [
    [
      "16.19: a 200 that cannot be parsed counts as a refusal",
      `effect: "unknown"`,
      `effect: "none"`,
    ],
  ], "tests/unit/aws/sdk_errors_test.ts"),
  ...inside("aws/limits.ts#limited", [
    ["a slot is never given back", "using _ = await", "await"],
    [
      "calls in flight that register hold back those that deregister",
      `(call === "RegisterTargets" ? registering : others)`,
      "others",
    ],
  ]),
  ...inside("aws/limits.ts#limited", [
    [
      "16.9: the wait for a slot counts as the call's time",
      'using _ = await (call === "RegisterTargets" ? registering : others).enter(signal);',
      "const own = clock.within(timeout, signal); " +
      'using _ = await (call === "RegisterTargets" ? registering : others).enter(own);',
    ],
  ], "tests/unit/aws/limits_test.ts"),
  ...inside("registration/in_service.ts#waitInService", [
    [
      "any state means in service",
      `if (health.state === "healthy") {`,
      `if (health.state !== "draining") {`,
    ],
    [
      "the wait in service does not heed the stop",
      "clock.within(time, stop)",
      "clock.within(time)",
    ],
    [
      "the wait in service continues long after its time",
      "clock.within(time, stop)",
      "clock.within(time * 10, stop)",
    ],
    [
      "the wait in service ends with the first error",
      "if (!health.retryable) return health.message;",
      "return health.message;",
    ],
    [
      "a final refusal does not end the wait in service",
      "if (!health.retryable) return health.message;",
      "",
    ],
  ]),
  ...inside("registration/poll_schedule.ts#nextPollIn", [
    [
      "it polls the health without a pause",
      "now >= quiet.to) return every;",
      "now >= quiet.to) return 1;",
    ],
  ]),
];

const OF_STEPS: readonly Mutant[] = [
  ...inside("lifecycle/steps.ts#preRegister", [
    [
      "a pre-register hook that fails is ignored",
      `if (result.outcome === "succeeded") return;`,
      "return;",
    ],
    [
      "registering again skips the pre-register hook",
      `const result = await this.#hook("pre-register", stop);`,
      `if (this.#registrations.some(({ settledAt }) => settledAt > 0)) return; ` +
      `const result = await this.#hook("pre-register", stop);`,
    ],
  ]),
  ...inside("lifecycle/steps.ts#register", [
    ["one group that fails does not end the attempts for others", "givenUp.abort(reason);", ""],
  ]),
  ...inside("lifecycle/steps.ts#deregister", [
    [
      "one group is deregistered, the others are not",
      "left.map(deregister)",
      "left.slice(0, 1).map(deregister)",
    ],
  ]),
  ...inside("lifecycle/steps.ts#postDeregister", [
    [
      "no post-deregister hook",
      `await this.#hook("post-deregister", this.#ports.intent.forcedStop);`,
      "",
    ],
    ["the post-deregister hook starts beside the post-register hook", "await this.#hookEnd;", ""],
    [
      "the post-deregister hook runs again with every drain",
      `this.#end = "hook ran";`,
      "",
    ],
  ]),
  ...inside("lifecycle/steps.ts#preDeregister", [
    [
      "the stop skips the pre-deregister hook",
      "this.#ports.intent.forcedStop",
      `this.#ports.intent.whileIn("serving")`,
    ],
    [
      "the second stop signal does not end the pre-deregister hook",
      "this.#ports.intent.forcedStop",
      "new AbortController().signal",
    ],
  ]),
  ...inside("lifecycle/steps.ts#postRegister", [
    [
      "a stop waits for the post-register hook to end",
      "await abortable(this.#hookEnd, stop);",
      "await this.#hookEnd;",
    ],
  ]),
  ...inside("lifecycle/steps.ts##hook", [
    [
      "a hook starts after its signal has ended",
      `if (signal.aborted) return { outcome: "cut-short" };`,
      "",
    ],
  ]),
  ...inside("lifecycle/steps.ts#serve", [[
    "serving ends at once",
    "await sleep(stop);",
    "void sleep;",
  ]]),
  ...inside("lifecycle/steps.ts#untilDrained", [
    [
      "/drain is answered when the target is deregistered, not when it is drained",
      `progress.enter("draining");`,
      `return { outcome: "drained" };`,
    ],
    [
      "/drain is answered 200 where nobody knows whether the target is deregistered",
      "if (left !== undefined) {",
      "if (left !== undefined && intent.forcedStop.aborted) {",
    ],
    [
      "16.5: what an earlier registration cycle left draining is forgotten",
      "if (draining.length === 0)",
      "if (draining.length === 0 || !this.hasDeregistered)",
    ],
  ]),
  ...inside("lifecycle/outcome.ts#outcomeOf", [
    [
      "an error that nobody caught ends like a stop",
      "cause instanceof StopRequested && cause.cause === undefined",
      "cause instanceof StopRequested",
    ],
  ]),
  ...inside("lifecycle/outcome.ts#unconfirmed", [
    [
      "a registration answered after the time to deregister is forgotten",
      "registrations.filter(({ mayBeRegistered }) => mayBeRegistered)",
      `registrations.filter(({ membership }) => membership.at === "unknown")`,
    ],
  ]),
];

const OF_INTENT: readonly Mutant[] = [
  ...inside("lifecycle/lifecycle.ts##serve", [
    ["no pre-register hook", "await this.#steps.preRegister(stop);", ""],
  ]),
  ...inside("lifecycle/lifecycle.ts##stop", [
    ["a stop deregisters nothing", "await this.#deregister();", ""],
    [
      "/drain while the last hook runs is not waited for",
      "isDrainAwaited(this.#ports.intent.now)",
      "false",
    ],
  ]),
  ...inside("lifecycle/lifecycle.ts##end", [
    ["an unconfirmed end is called done", "return left ?? outcomeOf(", "return outcomeOf("],
  ]),
  ...inside(
    "lifecycle/lifecycle.ts##leaves",
    [
      [
        "the application's return is not watched for from the drain on",
        "this.#watchForReturn();",
        "",
      ],
    ],
    "tests/unit/lifecycle/requests_test.ts",
    "tests/simulation/simulation_test.ts",
  ),
  ...inside("lifecycle/lifecycle.ts##watchForReturn", [
    ["the application's return is not watched for", "this.#sendReturns(this.#away);", ""],
  ]),
  ...inside("lifecycle/lifecycle.ts##idle", [
    [
      "a return is missed after a drain during the last hook",
      "this.#watchForReturn();",
      "",
    ],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("lifecycle/lifecycle.ts##sendReturns", [
    [
      "16.1: a drain in the seconds after a restart is undone by it",
      "anyOf(away, intent.nextDrain)",
      "anyOf(away)",
    ],
  ]),
  ...inside("lifecycle/intent.ts#drain", [
    [
      "/drain after a failed one is never answered",
      `if (outcome.outcome === "failed")`,
      `if (outcome.outcome === "failed" && intent.state === "returning")`,
    ],
    [
      "a drain does not end serving",
      `return { state: "draining", since: at, next: "wait" };`,
      "return intent;",
    ],
    [
      "16.2: /drain after /register, while the target drains, is not the last word",
      `return isSame ? intent : { state: "draining", since, next: "wait" };`,
      "return intent;",
    ],
    [
      "16.2: /drain after /register, once drained, is answered and undone",
      `const isSame = since === intent.since && intent.state === "drained";`,
      "const isSame = true;",
    ],
    [
      "16.4: a drain counts from the grace period of one long ago",
      "const since = graceSince(intent, at, gracePeriod); // What",
      "const since = intent.since; // What",
    ],
  ]),
  ...inside("lifecycle/intent.ts#graceSince", [
    [
      "16.4: a stop gets what an old drain has left of the grace period",
      "since !== undefined && at - since < gracePeriod",
      "since !== undefined",
    ],
  ]),
  ...inside("lifecycle/intent.ts#drainEnded", [
    [
      "a drain ends the lifecycle",
      `? { state: "drained", since: intent.since, outcome }`,
      `? { state: "stopping", since: 0, cause: undefined, forced: false, drain: "ended" }`,
    ],
  ]),
  ...inside("lifecycle/intent.ts#comeBack", [
    [
      "/register while the target drains is forgotten",
      `return intent.next === "wait" ? { ...intent, next: reason } : intent;`,
      "return intent;",
    ],
    [
      "/register ends a drain that is under way",
      `return intent.next === "wait" ? { ...intent, next: reason } : intent;`,
      `return { state: "serving" };`,
    ],
  ]),
  ...inside("lifecycle/status.ts#begin", [
    [
      "what is known of the health outlives a drain",
      "for (const registration of this.registrations) registration.begin();",
      "",
    ],
  ]),
  ...inside("lifecycle/status.ts#statusOf", [
    ["the pod is ready while it drains", `state === "serving" && registrations`, "registrations"],
    [
      "16.20: a target that was never in service is ready",
      "({ observation }) => observation.wasInService",
      "() => true",
    ],
  ]),
];

const OF_DRAINS: readonly Mutant[] = [
  ...inside("registration/drain.ts#forApi", [
    [
      "/drain is answered before the minimum time is over",
      "Math.max(rules.minTime, delay + AFTER_DELAY)",
      "delay + AFTER_DELAY",
    ],
  ]),
  ...inside("registration/drain.ts#untilAbsent", [
    [
      "/drain is answered while the deregistration delay runs",
      `seen === "absent" && polledAt >= this.#registration.settledAt`,
      "true",
    ],
    [
      "16.3: a target that another client registers while it drains is left",
      "if (!await this.#deregisterAgain()) return",
      `this.seenAt = polledAt; return "absent"; if (!await this.#deregisterAgain()) return`,
    ],
  ]),
  ...inside("registration/drain.ts##untilAllAbsent", [
    [
      "16.3: the first target to be drained is not polled again when the last one is",
      "if (pending.length === 0 || isChecked) return this.#drained();",
      "return this.#drained();",
    ],
  ]),
  ...inside("registration/drain.ts#deregisterIfRegistered", [
    [
      "with connections counted, a throttled poll hides another client's registration",
      "if (!(seen instanceof ApiError) || !seen.retryable) return",
      "if (true) return",
    ],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("registration/drain.ts##deregisterAgain", [
    [
      "16.6: a target that is registered again and again is deregistered without a pause",
      "await sleep(clock.within(this.#pause, deadline));",
      "",
    ],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("registration/drain.ts#forSilence", [
    ["connections that come and go are none", "silence.isOver &&", ""],
    ["the poll at the end stops the looking", "isStillOver &&", ""],
  ]),
  ...inside("registration/drain.ts#forSilence", [
    [
      "with connections counted, what other clients register is left",
      `results.includes("again")`,
      "false",
    ],
  ], "tests/unit/lifecycle/corners_test.ts"),
  ...inside("application/application.ts#restarted", [
    [
      "16.1: slow and refusing answers are taken for a restart",
      `outcome !== "refused"`,
      `outcome === "ready"`,
    ],
    ["16.1: an application counts as back at its first answer", ">= BACK_FOR", ">= 0"],
  ]),
  ...inside("application/application.ts##watch", [
    ["a check from before the drain counts", "let oldest = 0", "let oldest = interval"],
  ]),
];

const OF_THE_WATCH: readonly Mutant[] = [
  ...inside("registration/watch.ts##deregistered", [
    [
      "the watch registers again although the sidecar deregisters",
      "await this.#registration.register(stop);",
      "await this.#registration.register(new AbortController().signal);",
    ],
    [
      "the watch registers nothing again",
      "await this.#registration.register(stop);",
      "",
    ],
  ]),
  ...inside("registration/watch.ts##deregistered", [
    [
      "what is only observed is registered again",
      "if (interval === 0) {",
      "if (interval < 0) {",
    ],
  ], "tests/unit/lifecycle/watch_test.ts"),
  ...inside("registration/watch.ts#run", [
    ["the watch ends with the first error", "this.#failed(health);", "return;"],
  ]),
  ...inside("registration/watch.ts##pause", [
    ["16.14: a refused poll is repeated as often as any", "* 2 ** this.#refusals", ""],
    ["16.20: what is observed is older than a minute", "0.75 + chance / 4", "1.75 + chance / 4"],
  ], "tests/unit/lifecycle/watch_test.ts"),
];

/** Below the load balancer port and outside the lifecycle, tests at the socket and of processes. */
const OF_THE_EDGES: readonly Mutant[] = [
  ...inside("aws/handler.ts##raced", [
    ["16.7: a silent connection is used for every attempt", "if (!pool.isUsed)", "if (true)"],
  ], "tests/unit/aws/handler_test.ts"),
  ...inside("aws/handler.ts#answerOf", [
    ["16.11: redirects are followed", `redirect: "manual"`, `redirect: "follow"`],
  ], "tests/unit/aws/handler_test.ts"),
  ...inside("aws/client.ts##call", [
    [
      "16.8: credentials that the API refuses are not fetched anew",
      "const renewable = sent &&",
      "const renewable = false && sent &&",
    ],
  ], "tests/e2e/credentials_test.ts"),
  ...inside("aws/sdk_errors.ts#answered", [
    ["16.13: a full quota ends registration", `code === "TooManyTargets" ||`, ""],
  ], "tests/unit/aws/sdk_errors_test.ts"),
  ...inside("host/line_writer.ts#flush", [
    [
      "16.15: the end waits for a pipe that nobody reads",
      "await abortable(this.#writing, signal)",
      "await this.#writing",
    ],
  ], "tests/e2e/attack/unread_test.ts"),
  ...inside("host/signals.ts#listenForStop", [
    ["16.16: one Ctrl-C that arrives twice forces the stop", ">= SAME_REQUEST", "> 0"],
    [
      "16.17: a closed terminal ends the process",
      "STOP_SIGNALS.map",
      "STOP_SIGNALS.slice(0, 2).map",
    ],
  ], "tests/unit/host/signals_test.ts"),
  ...inside("hooks/output.ts##readAll", [
    [
      "16.18: a hook that prints all the time starves the rest",
      "if (this.#clock.now() - turn < LONGEST_TURN) continue;",
      "if (true) continue;",
    ],
  ], "tests/unit/hooks/output_test.ts"),
  ...inside("host/reply.ts#textOf", [
    ["16.19: a reply is read without a bound", "if (bytes > LONGEST)", "if (bytes > Infinity)"],
  ], "tests/unit/aws/handler_test.ts"),
];

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_DEREGISTERING,
  ...OF_REGISTERING,
  ...OF_RETRIES,
  ...OF_STEPS,
  ...OF_INTENT,
  ...OF_DRAINS,
  ...OF_THE_WATCH,
  ...OF_THE_EDGES,
];
