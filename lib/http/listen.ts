/** Where the service listens. */
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { Failure } from "../host/exit.ts";

/** All addresses, where the node has no IPv6. */
const ALL_IPV4 = "0.0.0.0";

/** So many connections may wait to be accepted; Linux takes no more by default. */
const BACKLOG = 4_096;

/**
 * Starts to listen.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export function listenAt({ hostname, port }: ListenAddress): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, tcpBacklog: BACKLOG });
  } catch (error) {
    const mayLackIpv6 = hostname === "::" && !(error instanceof Deno.errors.AddrInUse);
    if (!mayLackIpv6) throw cannotListen({ hostname, port }, error);
  }
  try {
    return Deno.listen({ hostname: ALL_IPV4, port, tcpBacklog: BACKLOG });
  } catch (error) {
    throw cannotListen({ hostname, port }, error);
  }
}

function cannotListen(listen: ListenAddress, cause: unknown): Failure {
  const address = listenAddressText(listen);
  if (cause instanceof Deno.errors.AddrInUse) {
    return new Failure(
      "usage",
      `-listen ${address}: the port is in use by another process of the pod; choose one that is free`,
      { cause },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Failure(
    "usage",
    `-listen ${address}: the sidecar cannot listen there (${why}); give a port above 1023, and an address of the pod or none`,
    { cause },
  );
}
