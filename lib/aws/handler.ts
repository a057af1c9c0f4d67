/** The HTTP side of the SDK: fetch, with a look at what comes back before the SDK believes it. */
import { buildQueryString, HttpResponse } from "@smithy/core/protocols";
import type { HttpHandlerOptions, HttpRequest, RequestHandler } from "@smithy/types";
import { isTimeout, systemClock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import { withoutSecretsOf } from "./redact.ts";

type Handler = RequestHandler<HttpRequest, HttpResponse, HttpHandlerOptions>;

/** No answer, or none whose reading could be finished. */
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

/** An answer that is not one of this API: a proxy's page, an empty or a cut-off body. */
export class UnexpectedReply extends Error {
  override readonly name = "UnexpectedReply";

  constructor(host: string, readonly status: number) {
    super(`the reply of ${host} (HTTP ${status}) is not one of this API`);
  }
}

/** The request has a header that HTTP does not know how to say; it was not sent. */
export class Unsendable extends Error {
  override readonly name = "Unsendable";

  constructor() {
    // The cause is left out: its message quotes the header, and so a secret.
    super("a header of the request holds a character that no header can");
  }
}

/**
 * Deno sends a request that got no answer on a connection it had kept open a second time, unasked
 * (denoland/deno pull request 32566, issue 35610). For RegisterTargets that would be a call whose
 * answer nobody waits for, applied who knows when; so it goes by a connection of its own.
 */
const SENT_ONCE = "RegisterTargets";

/** The limit of a request that has none: the SDK's own to STS, which may not hang either. */
const LONGEST_REQUEST: Milliseconds = 5_000;

/**
 * Sends requests by `fetch`, whose connections Deno keeps open between calls. The SDK's own handler
 * for `fetch` clears a timer that it never set, and at the first use of a timer function Deno loads
 * those of Node.js, which takes 4 MB and 14 ms.
 *
 * The SDK takes a reply with status 200 for a success even if it is a well-formed page of a
 * proxy, or empty; so each reply's root element is compared with the call's name here.
 */
export class ReplyCheckingHandler implements Handler {
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #onSend = new WeakMap<object, () => void>();
  readonly #keepsNoConnection = Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false });

  /** Closes the connections. */
  destroy(): void {
    this.#keepsNoConnection.close();
  }

  /** Calls `onSend` right before a request that goes out under this signal. */
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
      : systemClock.within(LONGEST_REQUEST);
    if (!signal.aborted) this.#onSend.get(signal)?.();
    const { response, text } = await this.#answer(request, signal);
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

  async #answer(request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    const { method, headers, body } = request;
    const isAlone = actionOf(body) === SENT_ONCE;
    try {
      const response = await fetch(urlOf(request), {
        method,
        headers,
        signal,
        ...(method !== "GET" && { body }),
        ...(isAlone && { client: this.#keepsNoConnection }),
      });
      return { response, text: await response.text() };
    } catch (cause) {
      const options = { cause: signal.aborted ? new Aborted(cause) : cause };
      throw new NoAnswer(hostOf(request), !isConnectFailure(cause), options);
    }
  }
}

/** The request's time was up. A timeout alone the SDK's client for STS would try again by itself. */
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
  if (action === undefined) return;
  const expected = status < 300 ? `${action}Response` : "ErrorResponse";
  const whole = new RegExp(`<${expected}[\\s>][\\s\\S]*</${expected}>\\s*$`);
  if (!whole.test(text)) throw new UnexpectedReply(hostOf(request), status);
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

/** What stands before it in Deno's message is the URL, and that this was an error. */
function what(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .replace(/^.*client error \(\w+\): /, "");
}
