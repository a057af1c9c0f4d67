/** The ways to roll out an application behind a load balancer, as data. */

/** Who registers a pod's target, and who holds the application until it is drained. */
export type Registrar =
  /** A controller outside the pod, as the AWS Load Balancer Controller, with its readiness gate. */
  | { readonly by: "controller"; readonly preStopSleep?: number }
  /** The original program in Go, beside an application without a hook. */
  | { readonly by: "go-sidecar" }
  /** This sidecar, by the manifests of `deploy/`. */
  | {
    readonly by: "sidecar";
    readonly kind: "ordinary" | "native";
    readonly waitIdle: boolean;
    /** What the load balancer's health check requests. */
    readonly healthCheck: "port" | "/target";
  };

/** A way to roll out. */
export interface Strategy {
  /** As it is given on the command line. */
  readonly name: string;
  readonly registrar: Registrar;
}

const SIDECARS = ([["sidecar", "ordinary"], ["native-sidecar", "native"]] as const).flatMap((
  [name, kind],
): Strategy[] => [
  sidecar(name, { kind, waitIdle: true, healthCheck: "port" }),
  sidecar(`${name} no-wait-idle`, { kind, waitIdle: false, healthCheck: "port" }),
  sidecar(`${name} target-check`, { kind, waitIdle: true, healthCheck: "/target" }),
]);

/** All of them, in the order of the table. */
export const STRATEGIES: readonly Strategy[] = [
  { name: "nothing", registrar: { by: "controller" } },
  { name: "prestop-sleep 15", registrar: { by: "controller", preStopSleep: 15 } },
  { name: "prestop-sleep 120", registrar: { by: "controller", preStopSleep: 120 } },
  { name: "go-sidecar", registrar: { by: "go-sidecar" } },
  ...SIDECARS,
];

function sidecar(name: string, how: Omit<Registrar & { by: "sidecar" }, "by">): Strategy {
  return { name, registrar: { by: "sidecar", ...how } };
}

/** The item of this name. @throws {RangeError} There is none; the message has all names. */
export function named<T extends { readonly name: string }>(name: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name);
  if (found) return found;
  const names = all.map((one) => `  ${one.name}`).join("\n");
  throw new RangeError(`"${name}" is not known; it is one of\n${names}`);
}
