/**
 * Reads HTTP/1.1 requests: the part that probes, kubelets, Prometheus and curl use, and no more.
 *
 * Whatever could be read in two ways is refused, so that no proxy in front of the sidecar can be
 * made to see other requests than the sidecar does: line ends other than CRLF, folded headers,
 * repeated `Host` or `Content-Length`, any `Transfer-Encoding`. Source: RFC 9112.
 */

/** A complete request. Its body, if it had one, is ignored: no endpoint reads one. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** By name in lower case; values of a repeated header are joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether the client may send another request on this connection. */
  readonly keepsAlive: boolean;
}

/** Why a request is refused: the status and text of its answer, after which the client is cut. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";

  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** What one request may take, in bytes. */
export const REQUEST_LIMITS = { line: 2_048, head: 8_192, body: 4_096 } as const;

const METHODS = ["GET", "HEAD", "POST"];
const REQUEST_LINE = /^([A-Z]{1,20}) (\/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*) HTTP\/1\.([01])$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
const HOST = /^[A-Za-z0-9._~!$&'()*+,;=:%[\]-]*$/;

type Line = Pick<HttpRequest, "method" | "target"> & { readonly minor: string };

/** How far the request that is arriving has come. */
type Progress =
  | { readonly at: "line" }
  | { readonly at: "headers"; readonly line: Line; readonly headers: Map<string, string> }
  | { readonly at: "body"; readonly request: HttpRequest; missing: number };

/** Takes the bytes of a connection as they arrive, and gives the requests in them, in order. */
export class RequestReader {
  /** One character for each byte that is not read yet. */
  #text = "";
  /** So many of these hold no line end. */
  #searched = 0;
  /** The bytes of the head that were read before. */
  #headBytes = 0;
  #progress: Progress = { at: "line" };
  readonly #decoder = new TextDecoder("latin1");

  /** How many bytes wait to be read. */
  get waiting(): number {
    return this.#text.length;
  }

  /** Whether nothing of a further request has arrived. */
  get isBetweenRequests(): boolean {
    return this.#progress.at === "line" && this.#text === "";
  }

  /** Takes what has arrived. */
  add(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes);
  }

  /**
   * The next request; undefined: it is not complete.
   * @throws {RefusedRequest} It is not to be answered. Nothing is to be read after that.
   */
  next(): HttpRequest | undefined {
    while (this.#progress.at !== "body") {
      const line = this.#nextLine(this.#progress.at === "line");
      if (line === undefined) return undefined;
      this.#progress = taken(line, this.#progress);
    }
    const { request, missing } = this.#progress;
    const skipped = Math.min(missing, this.#text.length);
    this.#text = this.#text.slice(skipped);
    if (skipped < missing) {
      this.#progress = { at: "body", request, missing: missing - skipped };
      return undefined;
    }
    this.#progress = { at: "line" };
    this.#headBytes = 0;
    return request;
  }

  #nextLine(isFirst: boolean): string | undefined {
    if (isFirst && /^[^A-Z]/.test(this.#text)) throw badRequest("this is not HTTP/1.1");
    const end = this.#text.indexOf("\n", this.#searched);
    const length = end < 0 ? this.#text.length : end + 1;
    if (isFirst && length > REQUEST_LIMITS.line) {
      throw new RefusedRequest(414, `the request line exceeds ${REQUEST_LIMITS.line} bytes`);
    }
    if (this.#headBytes + length > REQUEST_LIMITS.head) {
      throw new RefusedRequest(431, `the headers exceed ${REQUEST_LIMITS.head} bytes`);
    }
    this.#searched = end < 0 ? length : 0;
    if (end < 0) return undefined;
    const line = this.#text.slice(0, end);
    if (!line.endsWith("\r")) throw badRequest("a line does not end in CRLF");
    this.#text = this.#text.slice(length);
    this.#headBytes += length;
    return line.slice(0, -1);
  }
}

/** A line of the head is complete. */
function taken(line: string, progress: Exclude<Progress, { at: "body" }>): Progress {
  if (progress.at === "line") {
    return { at: "headers", line: requestLine(line), headers: new Map() };
  }
  if (line === "") return bodyOf(progress.line, progress.headers);
  addHeader(line, progress.headers);
  return progress;
}

function requestLine(text: string): Line {
  const [, method = "", target = "", minor = ""] = REQUEST_LINE.exec(text) ?? [];
  if (method === "") throw badRequest("the request line is malformed");
  if (!METHODS.includes(method)) {
    throw new RefusedRequest(501, `the method is not supported: use ${METHODS.join(", ")}`);
  }
  return { method, target, minor };
}

function addHeader(line: string, headers: Map<string, string>): void {
  const colon = line.indexOf(":");
  const [name, value] = [line.slice(0, Math.max(0, colon)).toLowerCase(), line.slice(colon + 1)];
  if (!NAME.test(name) || !VALUE.test(value)) throw badRequest("a header is malformed");
  const before = headers.get(name);
  // So neither a second Host nor a second Content-Length is well-formed any more.
  headers.set(name, before === undefined ? value.trim() : `${before}, ${value.trim()}`);
}

/** The head is complete: what it says of the body. */
function bodyOf({ method, target, minor }: Line, headers: Map<string, string>): Progress {
  const host = headers.get("host");
  if (!HOST.test(host ?? "") || (host === undefined && minor === "1")) {
    throw badRequest("the Host header is missing or malformed");
  }
  if (headers.has("transfer-encoding")) {
    throw new RefusedRequest(411, "Transfer-Encoding is not supported: send Content-Length");
  }
  if (headers.has("expect")) throw new RefusedRequest(417, "Expect is not supported");
  const length = headers.get("content-length") ?? "0";
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(length)) throw badRequest("Content-Length is malformed");
  if (Number(length) > REQUEST_LIMITS.body) {
    throw new RefusedRequest(413, `the body exceeds ${REQUEST_LIMITS.body} bytes; none is needed`);
  }
  const connection = (headers.get("connection") ?? "").toLowerCase().split(/[ \t]*,[ \t]*/);
  const keepsAlive = minor === "1" && !connection.includes("close");
  return { at: "body", request: { method, target, headers, keepsAlive }, missing: Number(length) };
}

function badRequest(message: string): RefusedRequest {
  return new RefusedRequest(400, message);
}
