/** How the load balancer connects to a target. */
import { isLoopback } from "./settings.ts";
import type { Target } from "./states.ts";

/** The options of a connection. */
export interface Route {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** From a node's address to a target on loopback; other targets cannot be reached from there. */
export function routeFrom(node: string, { id, port }: Target): Route {
  return isLoopback(id) ? { host: id, port, localAddress: node } : { host: id, port };
}
