/**
 * Deliberate faults in the life cycle. The simulation must catch each: one that survives means
 * that a promise has no invariant. A fault is told as a piece of text to find and what to put in
 * its place, so that it outlives changes beside it; one that is found nowhere fails the run.
 */

/** One place where a fault can be put: the first that is there is taken. */
export interface Place {
  readonly file: string;
  /** Has to be there exactly once. */
  readonly find: string;
  readonly put: string;
}

/** One fault. */
export interface Mutant {
  /** What goes wrong with it. */
  readonly name: string;
  readonly places: readonly Place[];
}

const DEPARTURE = "lib/registration/deregister.ts";
const REGISTRATION = "lib/registration/registration.ts";
const IN_SERVICE = "lib/registration/in_service.ts";
const PLAN = "lib/registration/poll_schedule.ts";
const RETRY = "lib/aws/retry.ts";
const SIDECAR = "lib/lifecycle/lifecycle.ts";
const STEPS = "lib/lifecycle/steps.ts";
const LEAVING = "lib/lifecycle/deregistering.ts";
const REQUESTS = "lib/lifecycle/intent.ts";
const BOARD = "lib/lifecycle/board.ts";
const WATCH = "lib/registration/watch.ts";
const DRAIN = "lib/registration/drain.ts";

function mutant(name: string, file: string, find: string, put: string): Mutant {
  return { name, places: [{ file, find, put }] };
}

const OF_LEAVING: readonly Mutant[] = [
  mutant(
    "an answered DeregisterTargets is the end, whatever is in doubt",
    DEPARTURE,
    "sentAt >= registration.doubtUntil;",
    "true;",
  ),
  mutant(
    "a registration that was answered beside leaving stays",
    DEPARTURE,
    `if (registered === "registered") return "send-again";`,
    `if (registered === "registered") return "gone";`,
  ),
  mutant(
    "a look right after registering is believed",
    DEPARTURE,
    "registration.options.clock.now() >= registration.settledAt;",
    "true;",
  ),
  mutant(
    "after a fault, any look means gone",
    DEPARTURE,
    `isSettled && (seen === "draining" || seen === "absent")`,
    "isSettled",
  ),
  mutant(
    "a slow look counts from its answer",
    DEPARTURE,
    `  const seen = await look(registration, deadline);
  return isSettled && (`,
    `  const seen = await look(registration, deadline);
  return registration.options.clock.now() >= registration.settledAt && (`,
  ),
  mutant(
    "a refused DeregisterTargets counts as done",
    DEPARTURE,
    "  if (fault !== undefined) {\n    const end",
    `  if (fault !== undefined && fault.effect === "unknown") {\n    const end`,
  ),
  mutant(
    "a fault of DeregisterTargets counts as done where a registration is on its way",
    DEPARTURE,
    "if (refusedForNow || registration.inFlight !== undefined) return fault;",
    `if (registration.inFlight !== undefined) return "gone";\n  if (refusedForNow) return fault;`,
  ),
  mutant(
    "once the doubt is over, the look before it is believed",
    DEPARTURE,
    `if (clock.now() >= registration.doubtUntil) return "send-again";`,
    `if (clock.now() >= registration.doubtUntil) return "gone" as "send-again";`,
  ),
  mutant(
    "leaving gives up early",
    DEPARTURE,
    "const deadline = clock.within(time);",
    "const deadline = clock.within(time / 2);",
  ),
  mutant(
    "leaving goes on long after its time",
    DEPARTURE,
    "const deadline = clock.within(time);",
    "const deadline = clock.within(time * 20);",
  ),
  mutant(
    "the settle time is not added to the time for leaving",
    DEPARTURE,
    "inDoubt ? times.confirmSettle : 0",
    "0",
  ),
  mutant(
    "DeregisterTargets again and again without a pause",
    DEPARTURE,
    "await sleep(clock.within(delay, deadline));",
    "await sleep(clock.within(0 * delay, deadline));",
  ),
  mutant(
    "a registration on its way is not waited for",
    DEPARTURE,
    "const beside = registration.inFlight;",
    "const beside = undefined;",
  ),
  mutant(
    "a look that fails means absent",
    DEPARTURE,
    `saysAbsent(health) ? "absent" : health`,
    `"absent"`,
  ),
  mutant(
    "a call of leaving has no limit of its own",
    DEPARTURE,
    "return await send(clock.within(limit, deadline));",
    "return await send(deadline);",
  ),
];

const OF_REGISTERING: readonly Mutant[] = [
  mutant(
    "a stop drops a registration that is on its way",
    REGISTRATION,
    `onSend: () => {
        signal.removeEventListener("abort", drop);`,
    "onSend: () => {",
  ),
  mutant(
    "a server error of RegisterTargets counts as a refusal",
    REGISTRATION,
    `(fault instanceof ApiError && fault.effect === "none")`,
    "(fault instanceof ApiError)",
  ),
  mutant(
    "a registration that was given up counts as never sent",
    REGISTRATION,
    "const wasSent = this.#inFlight !== undefined;",
    "const wasSent = fault instanceof ApiError;",
  ),
  mutant(
    "only an answered registration is taken back",
    REGISTRATION,
    `return this.#known === "absent" && this.#inFlight === undefined;`,
    `return this.#known !== "registered";`,
  ),
  mutant(
    "what is in doubt is so for no time",
    REGISTRATION,
    "this.options.clock.now() + this.options.times.confirmSettle;",
    "this.options.clock.now();",
  ),
  mutant(
    "registering goes on after a stop",
    REGISTRATION,
    "clock.within(times.register, ...stops)",
    "clock.within(times.register)",
  ),
  mutant(
    "an answer makes an earlier attempt's doubt forgotten",
    REGISTRATION,
    `    return "registered";`,
    `    this.#doubtUntil = -Infinity;\n    return "registered";`,
  ),
  mutant(
    "an unanswered attempt makes nothing of what is known",
    REGISTRATION,
    "this.#doubtUntil = this.#settleTime();",
    "this.#settledAt = this.#settleTime();",
  ),
];

const OF_TRYING: readonly Mutant[] = [
  mutant(
    "what was refused for good is tried again",
    RETRY,
    "if (!fault.retryable) throw fault;",
    "",
  ),
  mutant(
    "the first fault is the last",
    RETRY,
    "if (!fault.retryable) throw fault;",
    "throw fault;",
  ),
  mutant(
    "an attempt has no limit of its own",
    RETRY,
    "await attempt(clock.within(limit, signal))",
    "await attempt(signal)",
  ),
  mutant(
    "a pause between attempts does not heed the stop",
    RETRY,
    "await sleep(clock.within(delay, signal));",
    "await sleep(clock.within(delay));",
  ),
  mutant(
    "no pause between attempts",
    RETRY,
    "await sleep(clock.within(delay, signal));",
    "await sleep(clock.within(0 * delay, signal));",
  ),
  mutant(
    "an attempt may take all of its step's time",
    RETRY,
    "step / 3",
    "step",
  ),
  mutant(
    "any state means in service",
    IN_SERVICE,
    `if (health.state === "healthy") {`,
    `if (health.state !== "draining") {`,
  ),
  mutant(
    "the wait in service does not heed the stop",
    IN_SERVICE,
    "clock.within(options.time, options.stop)",
    "clock.within(options.time)",
  ),
  mutant(
    "the wait in service goes on long after its time",
    IN_SERVICE,
    "clock.within(options.time, options.stop)",
    "clock.within(options.time * 10, options.stop)",
  ),
  mutant(
    "the wait in service ends with the first fault",
    IN_SERVICE,
    "if (!health.retryable) return health.message;",
    "return health.message;",
  ),
  mutant(
    "a final refusal does not end the wait in service",
    IN_SERVICE,
    "if (!health.retryable) return health.message;",
    "",
  ),
  mutant(
    "a question has no limit of its own",
    IN_SERVICE,
    "signal: clock.within(QUESTION, deadline),",
    "signal: deadline,",
  ),
  mutant(
    "it asks for the health without a pause",
    PLAN,
    "if (likely.some(({ from, to }) => now >= from && now < to)) return pace.close;",
    "return 1;",
  ),
];

const OF_THE_LIFE: readonly Mutant[] = [
  {
    name: "a pre-register hook that fails is ignored",
    places: [SIDECAR, STEPS].map((file) => ({
      file,
      find: `if (result.outcome === "succeeded") return;`,
      put: "return;",
    })),
  },
  {
    name: "no pre-register hook",
    places: [
      { file: SIDECAR, find: "await sidecar.preRegister(groups);", put: "" },
      { file: SIDECAR, find: "await this.#steps.preRegister(this.#stop);", put: "" },
    ],
  },
  {
    name: "the end of the scope deregisters nothing",
    places: [
      { file: SIDECAR, find: "await using _ = together(registrations);", put: "" },
      { file: SIDECAR, find: "await using _ = this.#steps.leaving;", put: "" },
    ],
  },
  {
    name: "one group is left, the others are not",
    places: [
      {
        file: SIDECAR,
        find: "registrations.map((one) => one[Symbol.asyncDispose]())",
        put: "registrations.slice(0, 1).map((one) => one[Symbol.asyncDispose]())",
      },
      {
        file: LEAVING,
        find: "this.#registrations.map((one) => one[Symbol.asyncDispose]())",
        put: "this.#registrations.slice(0, 1).map((one) => one[Symbol.asyncDispose]())",
      },
    ],
  },
  {
    name: "one group that fails does not end the attempts for the others",
    places: [SIDECAR, STEPS].map((file) => ({ file, find: "givenUp.abort(reason);", put: "" })),
  },
  {
    name: "no post-deregister hook",
    places: [
      {
        file: SIDECAR,
        find: `await this.#hook("post-deregister", groups, this.#ports.signals.forcedStop);`,
        put: "",
      },
      {
        file: STEPS,
        find: `await this.#hook("post-deregister", this.#ports.signals.forcedStop);`,
        put: "",
      },
    ],
  },
  {
    name: "an unconfirmed end is called done",
    places: [
      {
        file: SIDECAR,
        find: "return left.length === 0 ? ending : unconfirmed(left);",
        put: "void unconfirmed(left); return ending;",
      },
      { file: SIDECAR, find: "return left ?? end;", put: "return end;" },
    ],
  },
  {
    name: "the stop skips the pre-deregister hook",
    places: [
      {
        file: SIDECAR,
        find: `await this.#hook("pre-deregister", groups, this.#ports.signals.forcedStop);`,
        put: `await this.#hook("pre-deregister", groups, this.#ports.signals.stop);`,
      },
      {
        file: STEPS,
        find: `await this.#hook("pre-deregister", this.#ports.signals.forcedStop);`,
        put: `await this.#hook("pre-deregister", this.#ports.signals.stop);`,
      },
    ],
  },
  {
    name: "a stop waits for the post-register hook to end",
    places: [SIDECAR, STEPS].map((file) => ({
      file,
      find: "await abortable(this.#hookEnd, stop);",
      put: "await this.#hookEnd;",
    })),
  },
  {
    name: "the post-deregister hook starts beside the post-register hook",
    places: [SIDECAR, STEPS].map((file) => ({
      file,
      find: "    await this.#hookEnd;\n",
      put: "",
    })),
  },
  {
    name: "a hook starts after its signal has ended",
    places: [SIDECAR, STEPS].map((file) => ({
      file,
      find: `if (signal.aborted) return { outcome: "cut-short" };`,
      put: "",
    })),
  },
  {
    name: "serving ends at once",
    places: [
      { file: SIDECAR, find: "await sleep(signals.stop);", put: "void sleep;" },
      { file: STEPS, find: "await sleep(stop);", put: "void sleep;" },
    ],
  },
  mutant(
    "a fault that nobody caught ends like a stop",
    "lib/lifecycle/outcome.ts",
    "reason instanceof StopRequested && reason.cause === undefined",
    "reason instanceof StopRequested",
  ),
  {
    name: "the second stop signal does not end the pre-deregister hook",
    places: [
      {
        file: SIDECAR,
        find: `await this.#hook("pre-deregister", groups, this.#ports.signals.forcedStop);`,
        put: `await this.#hook("pre-deregister", groups, new AbortController().signal);`,
      },
      {
        file: STEPS,
        find: `await this.#hook("pre-deregister", this.#ports.signals.forcedStop);`,
        put: `await this.#hook("pre-deregister", new AbortController().signal);`,
      },
    ],
  },
];

const OF_REQUESTS: readonly Mutant[] = [
  mutant(
    "/drain is answered when the target is deregistered, not when it is drained",
    LEAVING,
    `board.enter("draining");`,
    `return { outcome: "drained" };`,
  ),
  mutant(
    "/drain is answered before the minimum time is over",
    DRAIN,
    "Math.max(rules.minTime, timer)",
    "timer",
  ),
  mutant(
    "/drain is answered while the deregistration delay runs",
    DRAIN,
    `if (seen === "absent") return { outcome: "drained" };`,
    `if (seen !== "registered") return { outcome: "drained" };`,
  ),
  mutant(
    "/drain is answered 200 where nobody knows whether the target is deregistered",
    LEAVING,
    "if (left !== undefined) return",
    "if (left !== undefined && signals.forcedStop.aborted) return",
  ),
  mutant(
    "/drain after a failed one is never answered",
    SIDECAR,
    "anyOf(signals.stop, requests.again, requests.asked)",
    "anyOf(signals.stop, requests.again)",
  ),
  mutant(
    "/drain while the last hook runs is not waited for",
    SIDECAR,
    "    if (requests.isDrainAwaited) requests.ended(await leaving.untilDrained());\n  }",
    "  }",
  ),
  mutant(
    "a drain does not end the upper row",
    SIDECAR,
    "this.#stop = anyOf(signals.stop, requests.leave);",
    "this.#stop = signals.stop;",
  ),
  mutant(
    "a drain ends the life",
    SIDECAR,
    `return stop.aborted ? endingOf(stop.reason, stopped) : "drained";`,
    `return endingOf(stop.reason, stopped);`,
  ),
  mutant(
    "/register while the target drains is forgotten",
    REQUESTS,
    `    this.#again.abort(why);\n    return "registering";`,
    `    if (this.#pending === undefined) this.#again.abort(why);\n    return "registering";`,
  ),
  mutant(
    "/drain after /register is not the last word",
    REQUESTS,
    "if (this.#again.signal.aborted) this.#again = new AbortController();",
    "",
  ),
  mutant(
    "/register ends a drain that is under way",
    REQUESTS,
    `    this.#again.abort(why);\n    return "registering";`,
    `    this.#again.abort(why);\n    this.begin();\n    return "registering";`,
  ),
  mutant(
    "the application's return is not looked for",
    SIDECAR,
    "this.#watchForReturn(this.#restartWatch.signal);",
    "",
  ),
  mutant(
    "registering again skips the pre-register hook",
    STEPS,
    `const result = await this.#hook("pre-register", stop);`,
    `if (this.#registrations.some(({ goneAt }) => goneAt > 0)) return;\n    ` +
      `const result = await this.#hook("pre-register", stop);`,
  ),
  mutant(
    "what is known of the health outlives a drain",
    BOARD,
    "for (const entry of this.#entries) entry.forget();",
    "",
  ),
  mutant(
    "a new cycle registers beside a call of the cycle before",
    REGISTRATION,
    "if (this.#inFlight !== undefined) await abortable(this.#inFlight, signal);",
    "",
  ),
  mutant(
    "the watch registers again although the sidecar leaves",
    WATCH,
    "await registration.register(stop);",
    "await registration.register(new AbortController().signal);",
  ),
  mutant(
    "the watch registers nothing again",
    WATCH,
    "await registerAgain(registration, options);",
    "void registerAgain;",
  ),
  mutant(
    "the watch ends with the first fault",
    WATCH,
    "      log.warn(health.message, fields);\n      continue;",
    "      return;",
  ),
  mutant(
    "the watch ends where the target is healthy",
    WATCH,
    `if (interval === 0 && health.state === "healthy")`,
    `if (health.state === "healthy")`,
  ),
];

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_LEAVING,
  ...OF_REGISTERING,
  ...OF_TRYING,
  ...OF_THE_LIFE,
  ...OF_REQUESTS,
];
