/** Replies of other programs: read whole, but never more than a bounded part. */

/** No reply to the sidecar is a tenth as long; counted after decompression. */
const MAX_REPLY_BYTES = 1_000_000;

/** A reply that is longer than allowed. What is left of it was not read. */
export class ReplyTooLong extends Error {
  override readonly name = "ReplyTooLong";

  constructor(limit: number) {
    super(`more than ${limit.toLocaleString("en")} bytes`);
  }
}

/**
 * Reads the body of a reply as text.
 * @param limit In bytes, after decompression.
 * @throws {ReplyTooLong} It is longer; the connection is closed.
 */
export async function textOf(response: Response, limit = MAX_REPLY_BYTES): Promise<string> {
  if (isShort(response, limit)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // To leave the loop cancels the body.
    if (bytes > limit) throw new ReplyTooLong(limit);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Whether the length is known and small, as it mostly is; of a compressed body it is not. */
function isShort({ headers }: Response, limit: number): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= limit && !headers.has("content-encoding");
}
