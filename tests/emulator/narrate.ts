/** Events as lines for a person. */
import type { Call, EmulatorEvent, Flow } from "./events.ts";
import type { TargetState } from "./states.ts";

/** The event as a line of text; undefined for steps of a call that add nothing to its others. */
export function narrate(event: EmulatorEvent): string | undefined {
  switch (event.kind) {
    case "call-received":
      return `call ${event.call.number}: ${callText(event.call)}`;
    case "call-applied":
      return isChange(event.call) ? `call ${event.call.number}: applied` : undefined;
    case "call-answered":
      return `call ${event.call.number}: ${answer(event.call)}`;
    case "client-gone":
      return `call ${event.call.number}: the client closed the connection`;
    case "state-changed":
      return `${event.group} ${targetText(event.target)}: ${stateText(event.to)}`;
    case "flow-opened":
    case "flow-ended":
      return `${event.group} ${flowText(event.flow)}`;
    case "credentials-requested":
      return `credentials: ${event.endpoint} ${event.status}`;
  }
}

function callText({ action, names = [], targets = [], groupArn, identity }: Call): string {
  const group = groupArn === undefined ? [] : [groupArn.split("/")[1] ?? groupArn];
  const by = identity === undefined ? [] : [`(${identity})`];
  return [action || "(no action)", ...names, ...group, ...targets.map(targetText), ...by].join(" ");
}

function answer({ outcome, status, code }: Call): string {
  const reply = [status, code].filter((part) => part !== undefined).join(" ");
  return outcome === "answered" ? reply : `${outcome} ${reply}`.trim();
}

function isChange({ action }: Call): boolean {
  return action === "RegisterTargets" || action === "DeregisterTargets";
}

function targetText({ id, port }: { readonly id: string; readonly port?: number }): string {
  if (port === undefined) return id;
  return id.includes(":") ? `[${id}]:${port}` : `${id}:${port}`;
}

function flowText({ number, client, target, ending }: Flow): string {
  const to = target === undefined ? "" : ` to ${targetText(target)}`;
  return `connection ${number} from ${client}${to}: ${ending ?? "opened"}`;
}

function stateText({ state, reason }: TargetState): string {
  return reason === undefined ? state : `${state} (${reason})`;
}
