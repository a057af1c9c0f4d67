/** A life as its HTTP service sees it. */
import type { StopSignals } from "../host/signals.ts";
import type { Status, View } from "./status.ts";
import { endpoints } from "../registration/drain.ts";
import type { Board } from "./board.ts";
import type { Requests } from "./intent.ts";

/** The application, as far as it is asked whether it answers. */
interface Check {
  answers(): Promise<boolean>;
  last(): Status["application"];
}

/** What a view looks at. */
export interface ViewSources {
  readonly board: Board;
  readonly requests: Requests;
  readonly signals: StopSignals;
  readonly check: Check;
  /** Counts the connections to a port of the target, where that can be. */
  readonly count: ((id: string, port: number) => number) | undefined;
}

/** Makes the view of a life. */
export function createView({ board, requests, signals, check, count }: ViewSources): View {
  const connections = () => {
    if (count === undefined) return {};
    const each = endpoints(board.entries.map(({ attachment }) => attachment));
    return { connections: each.reduce((sum, { id, port }) => sum + count(id, port), 0) };
  };
  return {
    status: () =>
      board.status({
        stopping: signals.stop.aborted,
        drainRequested: !requests.wanted,
        application: check.last(),
        ...connections(),
      }),
    applicationAnswers: () => check.answers(),
    drain: () => requests.drain(),
    register: () => signals.stop.aborted ? "stopping" : requests.register(),
  };
}
