/** Replies of other programs: read whole, but never more than a bounded part. */

/** No reply to the sidecar is a tenth as long; in bytes, after decompression. */
const LONGEST = 1_000_000;

/** A reply that is longer than allowed. What is left of it was not read. */
export class ReplyTooLong extends Error {
  override readonly name = "ReplyTooLong";

  constructor() {
    super(`more than ${LONGEST.toLocaleString("en")} bytes`);
  }
}

/** Reads the body of a reply. @throws {ReplyTooLong} The connection is closed. */
export async function textOf(response: Response): Promise<string> {
  if (isShort(response)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // To leave the loop cancels the body.
    if (bytes > LONGEST) throw new ReplyTooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Whether the length is known and small, as it mostly is; of a compressed body it is not. */
function isShort({ headers }: Response): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= LONGEST && !headers.has("content-encoding");
}
