/**
 * What the bundle puts in the place of the SDK's HTTP client for Node.js: `fetch`. It follows no
 * redirect, since requests carry tokens, and reads a bounded part of each reply.
 */
import { buildQueryString, HttpResponse } from "@smithy/core/protocols";
import type { HttpHandlerOptions, HttpRequest } from "@smithy/types";
import { textOf } from "../../lib/host/reply.ts";

export { streamCollector } from "@smithy/fetch-http-handler";

/** Times are in milliseconds. */
interface Options {
  readonly requestTimeout?: number;
}

/** Where a request has no limit; the SDK's own to STS and others. */
const LONGEST_REQUEST = 10_000;

type Given = NodeHttpHandler | Options | (() => Promise<Options | void>) | undefined;

export class NodeHttpHandler {
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #options: Options;

  constructor(options?: Given) {
    this.#options = typeof options === "object" && !isHandler(options) ? options : {};
  }

  static create(given?: Given): NodeHttpHandler {
    return isHandler(given) ? given : new NodeHttpHandler(given);
  }

  /** @throws {Error} In the words of Node.js where nothing listens: these reach the log. */
  async handle(
    request: HttpRequest,
    { abortSignal, requestTimeout }: HttpHandlerOptions = {},
  ): Promise<{ response: HttpResponse }> {
    const { method, headers, body, hostname, port } = request;
    const time = requestTimeout ?? this.#options.requestTimeout ?? LONGEST_REQUEST;
    const limit = AbortSignal.timeout(time);
    try {
      const response = await fetch(urlOf(request), {
        method,
        headers,
        redirect: "manual",
        signal: abortSignal instanceof AbortSignal ? AbortSignal.any([limit, abortSignal]) : limit,
        ...(method !== "GET" && { body }),
      });
      const text = await textOf(response);
      return {
        response: new HttpResponse({
          statusCode: response.status,
          reason: response.statusText,
          headers: Object.fromEntries(response.headers),
          body: new Response(text).body,
        }),
      };
    } catch (cause) {
      if (limit.aborted) throw new Error(`no answer in ${time} ms`, { cause });
      if (!/Connection refused/.test(String(innermostOf(cause)))) throw cause;
      throw new Error(`connect ECONNREFUSED ${hostname}:${port ?? ""}`, { cause });
    }
  }

  /** The connections are the runtime's. */
  destroy(): void {}

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Options {
    return this.#options;
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: HttpRequest): string {
  const parameters = buildQueryString(query);
  const host = port ? `${hostname}:${port}` : hostname;
  return `${protocol}//${host}${path}${parameters === "" ? "" : `?${parameters}`}`;
}

function isHandler(given: Given): given is NodeHttpHandler {
  return typeof given === "object" && "handle" in given;
}

function innermostOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermostOf(error.cause) : error;
}
