/** A webhook as what a hook does: for pods whose images have no shell. */
import { sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";
import { VERSION } from "../version.ts";
import type { ActionOutcome, HookAction, HookContext, HookPorts } from "./hook.ts";

/** Back-off starts here, and doubles up to there. */
const FIRST_BACK_OFF: Milliseconds = 200;
const LONGEST_BACK_OFF: Milliseconds = 5_000;

/** So much of a reply is read, to explain a failure. */
const LONGEST_REPLY = 2_048;

/**
 * Makes a webhook something that a hook does: a POST of a small JSON document. It is tried again
 * after faults of the network, 5xx and 429, until the hook's time is up. An attempt has no limit of
 * its own: a receiver may take all of the hook's time.
 * @param url May hold credentials; its origin and path alone are logged.
 */
export function webhookAction(url: string, ports: HookPorts): HookAction {
  const { origin, pathname } = new URL(url);
  const shown = origin + pathname;
  return {
    fields: { url: shown },
    run: (context, signal) => deliver({ url, shown, context, signal, ports }),
  };
}

/** One delivery. */
interface Delivery {
  readonly url: string;
  /** The URL as the log has it. */
  readonly shown: string;
  readonly context: HookContext;
  readonly signal: AbortSignal;
  readonly ports: HookPorts;
}

/** What came of one attempt. `reason` is the end of a sentence. */
type Attempt =
  | { readonly outcome: "done"; readonly fields: LogFields }
  | { readonly outcome: "refused" | "again"; readonly reason: string; readonly fields: LogFields };

async function deliver(delivery: Delivery): Promise<ActionOutcome> {
  const { signal, shown, context, ports: { clock, log } } = delivery;
  // A client of its own, so that no connection stays open behind the hook.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  let last: LogFields = {};
  for (let attempt = 1;; attempt++) {
    const result = await post(delivery, client);
    const fields = { ...result.fields, attempts: attempt };
    if (result.outcome === "done") return { outcome: "succeeded", fields };
    if (result.outcome === "refused") return { outcome: "failed", reason: result.reason, fields };
    // An attempt that the end cut short tells less than the one before it.
    if (signal.aborted) return { outcome: "interrupted", fields: { ...last, attempts: attempt } };
    last = { ...result.fields, error: result.reason };
    const longest = Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (attempt - 1));
    const delay = clock.random() * longest;
    log.info("webhook will be tried again", {
      event: context.event,
      url: shown,
      attempt,
      error: result.reason,
      next_try_in: durationText(delay),
    });
    await sleep(clock.within(delay, signal));
    if (signal.aborted) return { outcome: "interrupted", fields: { ...last, attempts: attempt } };
  }
}

async function post(
  { url, context, signal }: Delivery,
  client: Deno.HttpClient,
): Promise<Attempt> {
  try {
    const reply = await fetch(url, {
      client,
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify(documentOf(context)),
      // A POST that is redirected becomes a GET elsewhere, mostly: not what was asked for.
      redirect: "manual",
      signal,
    });
    return await attemptOf(reply);
  } catch (error) {
    return errorOf(error, url);
  }
}

const HEADERS = {
  "content-type": "application/json",
  "user-agent": `k8s-nlb-registrator-sidecar/${VERSION}`,
};

/** The document; the README describes it. New fields may come, the version stays until one goes. */
function documentOf({ event, targetId, targetGroupArns, state }: HookContext): unknown {
  return { version: 1, event, target: targetId, targetGroups: targetGroupArns, state };
}

async function attemptOf(reply: Response): Promise<Attempt> {
  const { status } = reply;
  if (reply.ok) {
    await reply.body?.cancel().catch(() => {});
    return { outcome: "done", fields: { status } };
  }
  const output = await beginningOf(reply);
  const fields = { status, ...(output !== "" && { output }) };
  if (status >= 500 || status === 429) return { outcome: "again", reason: said(status), fields };
  const isRedirect = status >= 300 && status < 400;
  const remedy = isRedirect ? ": redirects are not followed, give the URL that it leads to" : "";
  return { outcome: "refused", reason: said(status) + remedy, fields };
}

function said(status: number): string {
  return `the webhook answered with status ${status}`;
}

/** The first of a reply's body; what the signal or the network cuts short is all there is. */
async function beginningOf({ body }: Response): Promise<string> {
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
  return text.slice(0, LONGEST_REPLY).trim();
}

/** How Deno begins what it says of a request that went wrong on its way. */
const OF_NETWORK = /^error sending request .*?\): /;

function errorOf(error: unknown, url: string): Attempt {
  // Deno's fetch puts what it says of the network into the cause; 2.4 says it itself.
  const said = messageOf(error instanceof Error ? error.cause ?? error : error);
  const isFinal = error instanceof TypeError && error.cause === undefined && !OF_NETWORK.test(said);
  const reason = withoutUrl(said, url);
  return isFinal
    ? { outcome: "refused", reason: `it could not be called: ${reason}`, fields: {} }
    : { outcome: "again", reason, fields: {} };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** "error sending request for url (URL): client error …": the URL may hold secrets. */
function withoutUrl(message: string, url: string): string {
  const { username, password, search } = new URL(url);
  const short = message.replace(OF_NETWORK, "");
  return [search, username, password].filter((secret) => secret !== "")
    .reduce((text, secret) => text.replaceAll(secret, "…"), short);
}
