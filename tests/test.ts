/** Tests with a time limit of their own: what hangs fails, and does not stall the run. */

/** How long a test may take unless it says otherwise, in milliseconds. */
export const TEST_LIMIT = 120_000;

/** A test beside its name. */
export interface TestOptions extends Pick<Deno.TestDefinition, "ignore" | "permissions"> {
  /** The time that it may take, in milliseconds. @default {TEST_LIMIT} */
  readonly limit?: number;
  /** Whether what it leaves open fails it. @default {true} */
  readonly sanitize?: boolean;
}

/** Whether the test that runs now looks after its time itself. */
let hasOwnLimit = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** For tests without a limit of their own: `time_limit.ts` calls both for every test. */
export const timeLimit = {
  begin(): void {
    hasOwnLimit = false;
    timer = setTimeout(() => {
      if (!hasOwnLimit) throw new Error(`a test takes longer than ${TEST_LIMIT} ms`);
    }, TEST_LIMIT);
  },
  end(): void {
    clearTimeout(timer);
  },
};

/** `Deno.test` with a time limit. */
export function test(
  name: string,
  run: () => void | Promise<void>,
  options: TestOptions = {},
): void {
  const { limit, sanitize = true, ...rest } = options;
  Deno.test({
    name,
    ...(!sanitize && { sanitizeOps: false, sanitizeResources: false }),
    ...rest,
    fn: () => {
      hasOwnLimit = true;
      return inTime(run, limit);
    },
  });
}

/** Runs something. @throws {Error} It takes longer than the limit, in milliseconds. */
export async function inTime(run: () => void | Promise<void>, limit = TEST_LIMIT): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it takes longer than ${limit} ms`)), limit);
  try {
    await Promise.race([run(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
