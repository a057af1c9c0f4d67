/** What is registered: an IP address or an instance. */
import { canonicalAddress } from "./address.ts";
import { targetKind } from "../registration/resolve.ts";
import type { Parsed } from "./kinds.ts";

const INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Checks the ids of a target: one, or an IPv4 and an IPv6 address with a comma between, as
 * `status.podIPs` of the Downward API has them. An IPv6 address comes out in the one spelling
 * that the API has too.
 */
export function parseTargetIds(text: string): Parsed<readonly string[]> {
  const ids = text.split(",").map(parseTargetId);
  const good = ids.filter((id) => id !== undefined);
  if (good.length < ids.length) {
    return { fault: "a target's id is an IPv4 or IPv6 address, or an instance's id (i-…)" };
  }
  const kinds = good.map(targetKind);
  const isPair = new Set(kinds).size === kinds.length &&
    (kinds.length === 1 || !kinds.includes("instance"));
  return isPair ? { value: good } : {
    fault: "several ids are one IPv4 and one IPv6 address: each goes to the groups of its type",
  };
}

function parseTargetId(text: string): string | undefined {
  return INSTANCE.test(text) ? text : canonicalAddress(text);
}
