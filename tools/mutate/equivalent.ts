/** Changes that change nothing that anyone could see, by the reason; named as `Change.key`. */
export const EQUIVALENT: Readonly<Record<string, readonly string[]>> = {
  "the types ask for another value, and there always is one": [
    "lib/host/public_part.ts#publicPart: ?? [] → nothing",
  ],
  "a comparison with what is not a number is false, as with infinity": [
    "lib/registration/deregister.ts#untilConfirmed: ?? Infinity → nothing",
  ],
  "the next step throws the same": [
    "lib/registration/registration.ts##untilEarlierCallsEnd: stop.throwIfAborted(); → ;",
    "lib/lifecycle/steps.ts#preRegister: stop.throwIfAborted(); → ;",
  ],
  "its caller waits for it, and nothing is to be done before": [
    "lib/registration/watch.ts##observed: await → nothing",
    "lib/program.ts#run: await → nothing (2)",
    "lib/pod.ts#serve: await → nothing (2)",
  ],
  "it differs for a single millisecond": [
    "lib/registration/deregister.ts#pollAfterError: >= → >",
    "lib/preflight.ts#plan: 0 → 1",
  ],
  "only how often it looks differs": [
    "lib/hooks/process_group.ts#isGoneWithin: 2 → (2 * 10) (2)",
  ],
  "nobody reads it: -check looks all groups up": [
    "lib/registration/resolve.ts#: true → false",
  ],
  "a rehearsal, of which no one sees anything": [
    "lib/lifecycle/rehearsal.ts#inertApi: isRegistered → !(isRegistered)",
  ],
  "a signal that has ended does not end again; a few bytes stay": [
    "lib/lifecycle/current_intent.ts#send: this.#watchers.delete(watcher); → ;",
  ],
};

const ALL = new Set(Object.values(EQUIVALENT).flat());

/** Whether a change, by its name, is one of them. */
export function isEquivalent(key: string): boolean {
  return ALL.has(key);
}
