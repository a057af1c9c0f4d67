/** Where the service listens. */
import type { Server } from "node:http";
import { type ListenAddress, listenAddressText } from "../host/address.ts";
import { Failure } from "../host/exit.ts";

/** All addresses, where the node has no IPv6. */
const ALL_IPV4 = "0.0.0.0";

/**
 * Makes a server listen.
 * @returns The port.
 * @throws {Failure} It cannot listen there: exit code `usage`.
 */
export async function listenAt(server: Server, address: ListenAddress): Promise<number> {
  const { hostname, port } = address;
  try {
    return await listening(server, hostname, port);
  } catch (error) {
    const mayLackIpv6 = hostname === "::" && !isInUse(error);
    if (!mayLackIpv6) throw cannotListen(hostname, port, error);
  }
  try {
    return await listening(server, ALL_IPV4, port);
  } catch (error) {
    throw cannotListen(hostname, port, error);
  }
}

function listening(server: Server, hostname: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function cannotListen(hostname: string, port: number, cause: unknown): Failure {
  const address = listenAddressText({ hostname, port });
  if (isInUse(cause)) {
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
