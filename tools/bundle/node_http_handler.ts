/** What the bundle puts in the place of the SDK's HTTP client for Node.js: `fetch`. */
export { FetchHttpHandler as NodeHttpHandler, streamCollector } from "@smithy/fetch-http-handler";
