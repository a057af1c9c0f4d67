/** Secrets in what users configure and in what others answer: none of them is in any output. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { SdkLoadBalancing } from "../../lib/aws/client.ts";
import { type Config, readConfig } from "../../lib/config/config.ts";
import { environmentName } from "../../lib/config/flags.ts";
import { HOOK_EVENTS } from "../../lib/hooks/hook.ts";
import { createHooks } from "../../lib/hooks/runner.ts";
import { type Clock, systemClock } from "../../lib/host/clock.ts";
import { createLog, type Log } from "../../lib/host/log.ts";
import { Guard } from "../../lib/http/guard.ts";
import { preflight } from "../../lib/preflight.ts";
import { NEEDED } from "../unit/config/_reading.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { asyncProperty, type Property, withFetch } from "./property.ts";

/** Nothing of ours begins like this, and whoever cuts a secret leaves the beginning. */
const MARK = "Zq7";
const secret = fc.string({
  unit: fc.constantFrom(..."abcXYZ0189"),
  minLength: 12,
  maxLength: 40,
}).map((text) => MARK + text);

/** URLs with secrets wherever an URL may have some, whole and broken in many ways. */
const url = fc.tuple(
  fc.constantFrom(
    ...["https://", "http://", "HTTPS://", "https:/", "https:\\\\", "", " https://", "x://"],
  ),
  fc.constantFrom(
    ...["", "", "user:SECRET@", "SECRET@", "user:SEC?RET/SECRET@", ":SECRET@", "a@b:SECRET@"],
  ),
  fc.constantFrom("hooks.example", "127.0.0.1", "[::1]", "[::1", "a..b", "1.2.3.4.5"),
  fc.constantFrom("", "", ":80", ":0", ":", ":99999", ":SECRET"),
  fc.constantFrom("/", "", "?", "#", " ", "\\", "/\n", "\t"),
  fc.constantFrom(
    ...["services/SECRET", "SECRET", "a?token=SECRET", "x#SECRET", "%2FSECRET", "é/SECRET/\0"],
  ),
).map(([scheme, user, host, port, separator, rest]) =>
  scheme + user + host + port + separator + (separator === "" ? "" : rest)
);

const place = fc.constantFrom(
  ...HOOK_EVENTS.map((event) => `${event}-url` as const),
  "endpoint-url",
  "wait-for",
);

/** A log at debug level, in both formats. */
function debugLog(lines: string[], secrets: readonly string[] = []): Log {
  const write = (line: string) => void lines.push(line);
  const logs = (["text", "json"] as const).map((format) =>
    createLog({ format, level: "debug", write, secrets })
  );
  const both = (level: keyof Log): Log["info"] => (message, fields) =>
    logs.forEach((log) => log[level](message, fields));
  return { debug: both("debug"), info: both("info"), warn: both("warn"), error: both("error") };
}

/** What a webhook, a proxy or an attacker may answer with what it has been sent. */
const answer = fc.record({
  status: fc.constantFrom(200, 301, 400, 403, 404, 429, 500, 503),
  fails: fc.boolean(),
  before: fc.constantFrom("", "you asked for ", "<html>", "x".repeat(2_030), "%", "\0\n"),
  encoded: fc.boolean(),
});

type Answer = typeof answer extends fc.Arbitrary<infer A> ? A : never;

function reflect(sent: string, { status, fails, before, encoded }: Answer): Response {
  const text = before + (encoded ? encodeURIComponent(sent) : sent);
  if (fails) throw new TypeError(`error sending request for url (${sent}): client error: ${text}`);
  return new Response(text, { status, headers: { location: `${text.replaceAll(/[^ -~]/g, "")}` } });
}

/** A clock whose pauses are over at once, and whose timeouts after two of them. */
function impatientClock(): Clock {
  const timeout = new AbortController();
  let pauses = 0;
  return {
    now: () => 0,
    random: () => 0.5,
    within: (time, ...signals) => {
      const isPause = time < 5_000;
      if (isPause && ++pauses === 2) timeout.abort(new DOMException("", "TimeoutError"));
      return isPause ? AbortSignal.abort() : AbortSignal.any([timeout.signal, ...signals]);
    },
  };
}

async function runHooks(config: Config, log: Log, answer: Answer): Promise<void> {
  const clock = impatientClock();
  const hooks = createHooks(config.hooks, { clock, log, shell: true });
  const stand = (input: string | URL | Request) =>
    new Promise<Response>((resolve) => resolve(reflect(String(input), answer)));
  await withFetch(stand, async () => {
    for (const event of HOOK_EVENTS) {
      const target = { targetId: "10.0.0.1", targetGroupArns: ["arn"], state: "unknown" } as const;
      const context = { event, timeout: config.hooks[event].timeout, ...target };
      await hooks.run(context, new AbortController().signal);
    }
  });
}

/** What `-check` prints, while the API does not answer. */
async function check(config: Config, log: Log, lines: string[]): Promise<void> {
  const refuse = () => Promise.reject(new Error("not here"));
  const elb = {
    ...{ describeTargetGroups: refuse, registerTarget: refuse, deregisterTarget: refuse },
    ...{ describeTargetHealth: refuse, groupAttributes: refuse },
  };
  const stop = new AbortController().signal;
  const print = (line: string) => void lines.push(line);
  await preflight(config, {
    elb,
    clock: new VirtualClock(),
    log,
    stop,
    identify: refuse,
    print,
    warnings: [],
  })
    .catch(() => {});
}

export const SECRETS: readonly Property[] = [
  asyncProperty(
    "no secret in a URL is in any error, warning, log line or report",
    0.02,
    fc.record({ secret, url, place, answer, inEnvironment: fc.boolean() }),
    async ({ secret, url, place, answer, inEnvironment }) => {
      const text = url.replaceAll("SECRET", secret);
      const lines: string[] = [];
      const log = debugLog(lines);
      const reading = inEnvironment
        ? readConfig(NEEDED, { [environmentName(place)]: text })
        : readConfig([...NEEDED, `-${place}`, text], {});
      if (reading.kind === "errors") lines.push(...reading.errors);
      if (reading.kind === "run") {
        lines.push(...reading.warnings);
        // A path is shown of what -wait-for names: it is the pod's own, and says what is asked.
        if (place !== "wait-for") {
          await check(reading.config, log, lines);
          await runHooks(reading.config, log, answer);
        }
      }
      assert(!lines.some((line) => line.includes(MARK)), lines.join("\n"));
    },
  ),
  asyncProperty(
    "no session token that a reply repeats is in any error or log line",
    0.01,
    fc.record({ secret, answer }),
    async ({ secret, answer }) => {
      Deno.env.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
      Deno.env.set("AWS_SECRET_ACCESS_KEY", `${secret}key`);
      Deno.env.set("AWS_SESSION_TOKEN", secret);
      const lines: string[] = [];
      const stand: typeof fetch = (input, init) => {
        const headers = new Headers(
          init?.headers ?? (input instanceof Request ? input.headers : {}),
        );
        const sent = [...headers].map(([name, value]) => `${name}=${value}`).join("&");
        return new Promise((resolve) => resolve(reflect(sent, { ...answer, fails: false })));
      };
      try {
        await withFetch(stand, async () => {
          const api = { region: "eu-west-1", endpointUrl: "http://127.0.0.1:9" };
          using client = new SdkLoadBalancing(api, debugLog(lines));
          const signal = new AbortController().signal;
          await client.describeTargetHealth("arn", { id: "10.0.0.1" }, { signal })
            .catch((error) => void lines.push(String(error)));
        });
      } finally {
        Deno.env.delete("AWS_SESSION_TOKEN");
      }
      assert(!lines.some((line) => line.includes(MARK)), lines.join("\n"));
    },
  ),
  asyncProperty(
    "no token that a client shows, or that a file holds, is in any log line",
    0.02,
    fc.record({
      secret,
      shown: fc.constantFrom(
        ...["Bearer SECRET", "SECRET", "Basic SECRET", "Bearer SECRETx", "Bearer a SECRET"],
      ),
      held: fc.constantFrom("SECRET", "SECRET SECRET", "", "SECRET\nx", "éSECRET"),
    }),
    async ({ secret, shown, held }) => {
      const lines: string[] = [];
      const tokenFile = await Deno.makeTempFile();
      await Deno.writeTextFile(tokenFile, held.replaceAll("SECRET", secret));
      const config = { drainAllow: [], tokenFile, tokenRequired: false };
      const guard = new Guard(config, { clock: new VirtualClock(), log: debugLog(lines) });
      await guard.check();
      const authorization = shown.replaceAll("SECRET", secret);
      const headers = new Map([["authorization", authorization], ["host", authorization]]);
      await guard.refusal("/drain", { address: "192.0.2.1", headers });
      await Deno.remove(tokenFile);
      assert(!lines.some((line) => line.includes(MARK)), lines.join("\n"));
    },
  ),
  asyncProperty(
    "no key that a hook prints, and no secret in a URL of its command, is in any log line",
    0.01,
    fc.record({
      // To start a command takes longer than all else, so one prints ten.
      printed: fc.array(
        fc.record({
          secret,
          url: url.filter((text) => /^[a-z]+:\/\/[^\s\\\0]*$/i.test(text)),
          before: fc.constantFrom("", "KEY=", 'KEY=\\"', "x://", "\u2066"),
        }),
        { minLength: 10, maxLength: 10 },
      ),
      exit: fc.constantFrom(0, 3),
    }),
    async ({ printed, exit }) => {
      const lines: string[] = [];
      const script = printed.map(({ secret, url, before }, index) => {
        Deno.env.set(`SECRET_${index}`, secret);
        return `echo "${before}$SECRET_${index}$SECRET_${index}" >&2; : ` +
          `${url.replaceAll("SECRET", secret)}`;
      });
      const command = `${script.join("; ")}; env | grep ^SECRET_; exit ${exit}`;
      const reading = readConfig([...NEEDED, `-pre-register-command=${command}`], {});
      assert(reading.kind === "run");
      const secrets = printed.map(({ secret }) => secret);
      const ports = { clock: systemClock, log: debugLog(lines, secrets), shell: true };
      const context = {
        ...{ event: HOOK_EVENTS[0], targetId: "10.0.0.1", targetGroupArns: ["arn"] },
        ...{ timeout: 60_000, state: "unknown" as const },
      };
      await createHooks(reading.config.hooks, ports).run(context, new AbortController().signal);
      assert(lines.length > 40 && !lines.some((line) => line.includes(MARK)), lines.join("\n"));
    },
  ),
];
