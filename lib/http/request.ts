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

/** Takes the bytes of a connection as they arrive, and gives the requests in them, in order. */
export class RequestReader {
  /** One character for each byte that is not read yet. */
  #text = "";
  /** The request whose body is still arriving. */
  #request: HttpRequest | undefined;
  #missing = 0;
  readonly #decoder = new TextDecoder("latin1");

  /** How many bytes wait to be read. */
  get waiting(): number {
    return this.#text.length;
  }

  /** Whether nothing of a further request has arrived. */
  get isBetweenRequests(): boolean {
    return this.#request === undefined && this.#text === "";
  }

  add(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes);
  }

  /**
   * The next request; undefined: it is not complete.
   * @throws {RefusedRequest} It is not to be answered. Nothing is to be read after that.
   */
  next(): HttpRequest | undefined {
    if (this.#request === undefined) {
      const lines = this.#nextHead();
      if (lines === undefined) return undefined;
      [this.#request, this.#missing] = requestOf(lines);
    }
    const skipped = Math.min(this.#missing, this.#text.length);
    this.#text = this.#text.slice(skipped);
    this.#missing -= skipped;
    if (this.#missing > 0) return undefined;
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  /** The lines of the next head; what cannot become one is refused as soon as that is certain. */
  #nextHead(): readonly string[] | undefined {
    const end = this.#text.indexOf("\r\n\r\n");
    const head = end < 0 ? this.#text : this.#text.slice(0, end + 4);
    if (/^[^A-Z]/.test(head)) throw badRequest("this is not HTTP/1.1");
    const line = head.indexOf("\n") + 1 || head.length;
    if (line > REQUEST_LIMITS.line) {
      throw new RefusedRequest(414, `the request line exceeds ${REQUEST_LIMITS.line} bytes`);
    }
    if (head.length > REQUEST_LIMITS.head) {
      throw new RefusedRequest(431, `the headers exceed ${REQUEST_LIMITS.head} bytes`);
    }
    if (/(?<!\r)\n/.test(head)) throw badRequest("a line does not end in CRLF");
    if (end < 0) return undefined;
    this.#text = this.#text.slice(head.length);
    return head.slice(0, -4).split("\r\n");
  }
}

/** A request, and the length of its body. */
function requestOf([first = "", ...lines]: readonly string[]): [HttpRequest, number] {
  const line = requestLine(first);
  const headers = new Map<string, string>();
  for (const header of lines) addHeader(header, headers);
  return withBody(line, headers);
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

function withBody(
  { method, target, minor }: Line,
  headers: ReadonlyMap<string, string>,
): [HttpRequest, number] {
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
  return [{ method, target, headers, keepsAlive }, Number(length)];
}

function badRequest(message: string): RefusedRequest {
  return new RefusedRequest(400, message);
}
