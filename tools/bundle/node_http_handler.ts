/** What the bundle puts in the place of the SDK's HTTP client for Node.js: `fetch`. */
import { FetchHttpHandler } from "@smithy/fetch-http-handler";

export { streamCollector } from "@smithy/fetch-http-handler";

type Handle = FetchHttpHandler["handle"];
type Given = Parameters<typeof FetchHttpHandler.create>[0];

/** Says in the words of Node.js when nobody listens: these reach the log. */
export class NodeHttpHandler extends FetchHttpHandler {
  static override create(given?: Given): ReturnType<typeof FetchHttpHandler.create> {
    return isHandler(given) ? super.create(given) : new NodeHttpHandler(given);
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    try {
      return await super.handle(request, options);
    } catch (cause) {
      if (!/Connection refused/.test(String(innermostOf(cause)))) throw cause;
      const { hostname, port } = request;
      throw new Error(`connect ECONNREFUSED ${hostname}:${port ?? ""}`, { cause });
    }
  }
}

function isHandler(given: Given): given is Extract<Given, { handle: unknown }> {
  return typeof given === "object" && given !== null && "handle" in given;
}

function innermostOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermostOf(error.cause) : error;
}
