/**
 * Server IDs in groups that serve QUIC. A load balancer finds the target of a packet by the ID in its
 * connection ID, so the application has to use the ID that the target is registered with.
 */
import { IS_QUIC_SERVER_ID, type QuicServerId } from "../config/target.ts";
import { Failure } from "../host/exit.ts";
import { smallFileText } from "../host/small_file.ts";
import type { Attachment } from "./resolve.ts";

/**
 * The server ID of a target; undefined where its group does not serve QUIC.
 * @throws {Failure} The file has none.
 */
export function quicServerId(
  { group, target }: Attachment,
  from: QuicServerId,
): string | undefined {
  if (!group.protocol?.includes("QUIC")) return undefined;
  switch (from.by) {
    case "value":
      return from.value;
    case "derive":
      return derived(`${target.id} ${target.port ?? group.port}`);
    case "file":
      return readFrom(from.path);
  }
}

/** FNV-1a: two of a thousand pods have the same with a probability of less than one in 10^13. */
function derived(from: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(from)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return `0x${hash.toString(16).padStart(16, "0")}`;
}

function readFrom(path: string): string {
  const about = `not registered: -quic-server-id file:${path}`;
  let text: string;
  try {
    text = smallFileText(path).trim();
  } catch (error) {
    throw new Failure("notRegistered", `${about} cannot be read: ${error}`);
  }
  if (IS_QUIC_SERVER_ID.test(text)) return text;
  throw new Failure("notRegistered", `${about} does not contain 0x and 16 digits of 0-9 and a-f`);
}
