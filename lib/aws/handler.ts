/** The HTTP side of the SDK: sends requests by fetch, and checks replies before the SDK sees them. */
import { abortable } from "@std/async/abortable";
import { buildQueryString, HttpResponse } from "@smithy/core/protocols";
import type { HttpHandlerOptions, HttpRequest, RequestHandler } from "@smithy/types";
import { anyOf, type Clock, isTimeout, systemClock } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { ReplyTooLong, textOf } from "../host/reply.ts";
import { withoutSecretsOf } from "./redact.ts";
import { REQUEST_TIMEOUT } from "./retry.ts";

type Handler = RequestHandler<HttpRequest, HttpResponse, HttpHandlerOptions>;

/** No answer, or none that could be read to its end. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  /** @param reachedServer False only where it is certain that no byte of the request went out. */
  constructor(host: string, readonly reachedServer: boolean, options: ErrorOptions) {
    const innermost = innermostOf(options.cause);
    super(
      `no answer from ${host}${isTimeout(innermost) ? " in time" : `: ${what(innermost)}`}`,
      options,
    );
  }
}

/** A reply that is not from this API: a proxy's page, a redirect, an empty or endless body. */
export class UnexpectedReply extends Error {
  override readonly name = "UnexpectedReply";
  readonly reachedServer = true;

  constructor(host: string, readonly status: number, why?: Error) {
    const more = why === undefined ? "" : `, ${why.message}`;
    super(`the reply from ${host} (HTTP ${status}${more}) is not from this API`);
  }
}

/** The request has a header that HTTP cannot carry; it was not sent. */
export class Unsendable extends Error {
  override readonly name = "Unsendable";

  constructor() {
    // Without the cause: its message quotes the header, and so a secret.
    super("a header of the request holds a character that no header can");
  }
}

/**
 * Deno sends a request that got no answer on a kept connection a second time by itself
 * (denoland/deno pull request 32566, issue 35610). A RegisterTargets call sent twice could be
 * applied at any later time, so it gets a connection of its own, and is never raced.
 */
const SENT_ONCE = "RegisterTargets";

/** The limit of a request that comes without one: the SDK's own to STS must not hang either. */
const LONGEST_REQUEST: Milliseconds = 5_000;

/** A kept connection that is silent for this long is raced by a new one. */
const PATIENCE: Milliseconds = 2_000;

/** Connections that stay open between requests. */
interface Pool {
  /** Undefined: the runtime's default client. */
  readonly client?: Deno.HttpClient;
  /** Whether it may hold a connection. */
  isUsed: boolean;
}

/**
 * Sends requests by `fetch`, whose connections Deno keeps open between calls. The SDK's own handler
 * for `fetch` clears a timer that it never set, and at the first use of a timer function Deno loads
 * those of Node.js, which takes 4 MB and 14 ms.
 *
 * The SDK takes a reply with status 200 for a success even if it is a proxy's well-formed page, or
 * empty; so this compares each reply's root element with the call's name. It follows no redirect,
 * since the request carries credentials, and reads at most a megabyte of a reply.
 */
export class ReplyCheckingHandler implements Handler {
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #onSend = new WeakMap<object, () => void>();
  readonly #keepsNoConnection = Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false });
  readonly #warn: (message: string) => void;
  readonly #clock: Clock;
  #pool: Pool = { isUsed: false };
  #patience = PATIENCE;

  /** @param warn Gets a message for the log when a kept connection is silent. */
  constructor(warn: (message: string) => void = () => {}, clock = systemClock) {
    this.#warn = warn;
    this.#clock = clock;
  }

  /** Closes the connections. */
  destroy(): void {
    this.#keepsNoConnection.close();
    this.#pool.client?.close();
  }

  /** Calls `onSend` right before a request with this signal is sent. */
  announce(signal: AbortSignal, onSend: () => void): void {
    this.#onSend.set(signal, onSend);
  }

  /** @throws {NoAnswer | UnexpectedReply | Unsendable} */
  async handle(
    request: HttpRequest,
    { abortSignal }: Pick<HttpHandlerOptions, "abortSignal"> = {},
  ): Promise<{ response: HttpResponse }> {
    checkHeaders(request);
    const signal = abortSignal instanceof AbortSignal
      ? abortSignal
      : this.#clock.within(LONGEST_REQUEST);
    if (!signal.aborted) this.#onSend.get(signal)?.();
    const { response, text } = actionOf(request.body) === SENT_ONCE
      ? await answerOf(request, signal, this.#keepsNoConnection)
      : await this.#raced(request, signal);
    checkReply(request, response.status, text);
    return {
      response: new HttpResponse({
        statusCode: response.status,
        reason: response.statusText,
        headers: Object.fromEntries(response.headers),
        body: encoder.encode(response.ok ? text : withoutSecretsOf(request, text)),
      }),
    };
  }

  /**
   * A kept connection can go silent (NAT, proxy), and over HTTP/2 all attempts would use it. So a
   * request that gets no answer on one is sent once more, on a new connection, and the first answer
   * counts. What is raced is idempotent. Where the old connection answers after all, the API is
   * slow: the next race starts later, so that a slow API does not get each request twice.
   */
  async #raced(request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    const pool = this.#pool;
    if (!pool.isUsed) return await sendBy(pool, request, signal);
    const race = new AbortController();
    try {
      return await this.#race(pool, request, anyOf(signal, race.signal));
    } finally {
      // A silent request that continues could deregister what is registered later.
      race.abort();
    }
  }

  async #race(pool: Pool, request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    const first = sendBy(pool, request, signal);
    const patience = this.#clock.within(this.#patience);
    try {
      const answer = await abortable(first, patience);
      this.#patience = PATIENCE;
      return answer;
    } catch (error) {
      if (error !== patience.reason) throw error;
    }
    this.#warn(
      `${actionOf(request.body)}: no answer from ${hostOf(request)} in ` +
        `${durationText(this.#patience)} on a kept connection: trying a new one`,
    );
    const late = first.then((answer) => {
      this.#patience = Math.min(2 * this.#patience, REQUEST_TIMEOUT);
      return answer;
    });
    return await anyAnswer(late, sendBy(this.#poolAfter(pool), request, signal));
  }

  /** The pool that replaces a silent one, for all later requests. */
  #poolAfter(silent: Pool): Pool {
    if (this.#pool === silent) {
      this.#pool = { client: Deno.createHttpClient({}), isUsed: false };
      silent.client?.close();
    }
    return this.#pool;
  }
}

/** The request's time was up. The SDK's client for STS would retry a plain timeout by itself. */
class Aborted extends Error {
  override readonly name = "AbortError";

  constructor(cause: unknown) {
    super("Request aborted", { cause });
  }
}

const encoder = new TextEncoder();

/** A reply, and its whole body. */
interface Answer {
  readonly response: Response;
  readonly text: string;
}

async function sendBy(pool: Pool, request: HttpRequest, signal: AbortSignal): Promise<Answer> {
  const answer = await answerOf(request, signal, pool.client);
  pool.isUsed = true;
  return answer;
}

/** The first answer; if there is none, the error of a request that may have been applied. */
async function anyAnswer(...answers: readonly Promise<Answer>[]): Promise<Answer> {
  try {
    return await Promise.any(answers);
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    throw errors.find((one) => !(one instanceof NoAnswer) || one.reachedServer) ?? errors[0];
  }
}

async function answerOf(
  request: HttpRequest,
  signal: AbortSignal,
  client: Deno.HttpClient | undefined,
): Promise<Answer> {
  const { method, headers, body } = request;
  let status = 0;
  try {
    const response = await fetch(urlOf(request), {
      method,
      headers,
      signal,
      redirect: "manual",
      ...(method !== "GET" && { body }),
      ...(client !== undefined && { client }),
    });
    status = response.status;
    return { response, text: await textOf(response) };
  } catch (cause) {
    if (cause instanceof ReplyTooLong) throw new UnexpectedReply(hostOf(request), status, cause);
    const options = { cause: signal.aborted ? new Aborted(cause) : cause };
    throw new NoAnswer(hostOf(request), !isConnectFailure(cause), options);
  }
}

function urlOf({ protocol, path, query = {}, ...host }: HttpRequest): string {
  const parameters = buildQueryString(query);
  return `${protocol}//${hostOf(host)}${path}${parameters === "" ? "" : `?${parameters}`}`;
}

function checkHeaders({ headers }: HttpRequest): void {
  try {
    new Headers(headers);
  } catch {
    throw new Unsendable();
  }
}

/** Compares the reply's root element with the call that the request makes (Query protocol). */
function checkReply(request: HttpRequest, status: number, text: string): void {
  const action = actionOf(request.body);
  const isRedirect = status >= 300 && status < 400;
  const root = status < 300 ? `${action}Response` : "ErrorResponse";
  if (isRedirect || (action !== undefined && !hasRoot(text, root))) {
    throw new UnexpectedReply(hostOf(request), status);
  }
}

/** What XML may have before its root element; a DOCTYPE is not in any reply of this API. */
const PROLOG = /^\uFEFF?\s*(<\?xml[^>]*>)?\s*/;

/** Whether a document is one element of this name; in linear time, whatever the text. */
function hasRoot(text: string, name: string): boolean {
  const [prolog = ""] = PROLOG.exec(text) ?? [];
  const isOpened = text.startsWith(`<${name}`, prolog.length) &&
    /[\s>]/.test(text.charAt(prolog.length + 1 + name.length));
  const end = `</${name}>`;
  return isOpened && text.indexOf(end) === text.trimEnd().length - end.length;
}

/** The name of the call that a request of the Query protocol makes. */
function actionOf(body: unknown): string | undefined {
  return typeof body === "string"
    ? new URLSearchParams(body).get("Action") ?? undefined
    : undefined;
}

function hostOf({ hostname, port }: Pick<HttpRequest, "hostname" | "port">): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}

/** Deno's fetch (hyper) names the phase: in this one, the connection was never made. */
function isConnectFailure(error: unknown): boolean {
  return error instanceof Error &&
    (error.message.includes("client error (Connect)") || isConnectFailure(error.cause));
}

function innermostOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermostOf(error.cause) : error;
}

/** What to do about an error of TLS or HTTP that only names its symptom. */
const REMEDIES: Readonly<Record<string, string>> = {
  "InvalidContentType": "the server does not speak TLS, use http:// in -endpoint-url or " +
    "AWS_ENDPOINT_URL",
  "invalid HTTP version":
    "the server does not speak plain HTTP, use https:// in -endpoint-url or " +
    "AWS_ENDPOINT_URL",
  "UnknownIssuer": "to trust a private certificate authority, set DENO_TLS_CA_STORE=system, and " +
    "SSL_CERT_FILE to the file with its certificate",
};

/** Removes the URL and the general words from the start of Deno's message, and adds the remedy. */
function what(error: unknown): string {
  const text = String(error instanceof Error ? error.message : error)
    .replace(/^.*client error \(\w+\): /, "");
  const symptom = Object.keys(REMEDIES).find((words) => text.includes(words));
  return symptom === undefined ? text : `${text}: ${REMEDIES[symptom]}`;
}
