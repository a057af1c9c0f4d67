/** A webhook as what a hook does: for pods whose images have no shell. */
import { sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";
import { VERSION } from "../version.ts";
import type { ActionOutcome, HookAction, HookContext, HookPorts } from "./hook.ts";

/** Back-off starts here, and doubles up to there. */
const FIRST_BACK_OFF: Milliseconds = 200;
const LONGEST_BACK_OFF: Milliseconds = 5_000;

const HEADERS = {
  "content-type": "application/json",
  "user-agent": `k8s-nlb-registrator-sidecar/${VERSION}`,
};

/** How much of a reply is read, and how much of that is shown, to explain an error. */
const LONGEST_REPLY = 2_048;
const LONGEST_SHOWN = 256;

/** Shorter parts of a URL are no secrets, and may well be words of the text. */
const RUN = /[\p{L}\p{N}]{4,}/gu;

/**
 * Makes a webhook something that a hook does: a POST of a small JSON document. It is retried after
 * network errors, 5xx and 429, until the hook's timeout. An attempt has no limit of its own: a
 * receiver may take all of the hook's time.
 * @param url May hold secrets, in its path too: only scheme, host and port are logged.
 */
export function webhookAction(url: string, ports: HookPorts): HookAction {
  return {
    fields: { url: new URL(url).origin },
    run: (context, signal) => deliver({ url, context, signal, ports }),
  };
}

/** One delivery. */
interface Delivery {
  readonly url: string;
  readonly context: HookContext;
  readonly signal: AbortSignal;
  readonly ports: HookPorts;
}

/** What came of one attempt. */
type Attempt =
  | ActionOutcome
  | { readonly outcome: "retry"; readonly reason: string; readonly fields: LogFields };

async function deliver(delivery: Delivery): Promise<ActionOutcome> {
  const { url, context, signal, ports: { clock, log } } = delivery;
  // A client of its own, so that no connection stays open behind the hook.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  let last: LogFields = {};
  for (let attempts = 1;; attempts++) {
    const attempt = await post(delivery, client);
    if (attempt.outcome !== "retry") {
      return { ...attempt, fields: { ...attempt.fields, attempts } };
    }
    // An attempt that the end cut short tells less than the one before it.
    if (signal.aborted) return { outcome: "interrupted", fields: { ...last, attempts } };
    last = { ...attempt.fields, error: attempt.reason };
    const longest = Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (attempts - 1));
    const delay = clock.random() * longest;
    log.info("retrying webhook", {
      ...{ event: context.event, url: new URL(url).origin },
      ...{ attempt: attempts, error: attempt.reason, next_try_in: durationText(delay) },
    });
    await sleep(clock.within(delay, signal));
    if (signal.aborted) return { outcome: "interrupted", fields: { ...last, attempts } };
  }
}

async function post({ url, context, signal }: Delivery, client: Deno.HttpClient): Promise<Attempt> {
  try {
    const reply = await fetch(url, {
      client,
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify(documentOf(context)),
      // A redirected POST mostly becomes a GET elsewhere: neither what was requested nor where.
      redirect: "manual",
      signal,
    });
    return await attemptOf(reply, url);
  } catch (error) {
    return attemptOfError(error, url);
  }
}

/** The document; the docs describe it. New fields may come, the version stays until one goes. */
function documentOf(context: HookContext): unknown {
  const { event, targetId, targetGroupArns, quicServerIds, state } = context;
  return {
    ...{ version: 1, event, target: targetId, targetGroups: targetGroupArns, state },
    ...(quicServerIds && { quicServerIds }),
  };
}

async function attemptOf(reply: Response, url: string): Promise<Attempt> {
  const { status } = reply;
  if (reply.ok) {
    await reply.body?.cancel().catch(() => {});
    return { outcome: "succeeded", fields: { status } };
  }
  const output = withoutSecrets(await startOf(reply), url).slice(0, LONGEST_SHOWN).trim();
  const fields = { status, ...(output !== "" && { output }) };
  const reason = `the webhook answered with status ${status}`;
  if (status >= 500 || status === 429) return { outcome: "retry", reason, fields };
  const isRedirect = status >= 300 && status < 400;
  const remedy = isRedirect ? ": redirects are not followed; use the URL that it leads to" : "";
  return { outcome: "failed", reason: reason + remedy, fields };
}

/** The start of a reply's body; what the signal or the network cuts short is all there is. */
async function startOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk.subarray(0, LONGEST_REPLY), { stream: true });
      if (text.length >= LONGEST_REPLY) break;
    }
  } catch {
    // The status says enough.
  }
  return text.slice(0, LONGEST_REPLY);
}

/** How Deno begins its message about a request that failed on its way. */
const OF_NETWORK = /^error sending request .*?\): /;

function attemptOfError(error: unknown, url: string): Attempt {
  // Deno's fetch puts what it says of the network into the cause; 2.4 says it itself.
  const cause = error instanceof Error ? error.cause ?? error : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const isFinal = error instanceof TypeError && error.cause === undefined &&
    !OF_NETWORK.test(message);
  const reason = withoutSecrets(message.replace(OF_NETWORK, ""), url);
  return isFinal
    ? { outcome: "failed", reason: `it could not be called: ${reason}`, fields: {} }
    : { outcome: "retry", reason, fields: {} };
}

/**
 * A text without any part of the URL that may be secret: receivers repeat what they were sent, and
 * encode it, which keeps runs of letters and digits.
 */
function withoutSecrets(text: string, url: string): string {
  const { username, password, pathname, search } = new URL(url);
  const secret = `${username} ${password} ${pathname} ${search}`;
  const runs = (`${secret} ${decoded(secret)}`.match(RUN) ?? [])
    .toSorted((one, other) => other.length - one.length);
  const rest = runs.reduce((rest, run) => rest.replaceAll(run, "…"), text);
  // A text that was cut may end within a run.
  const [longest = ""] = runs;
  return text.length < LONGEST_REPLY ? rest : rest.slice(0, rest.length - longest.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
