/** Where the API is. */
import type { Parsed } from "./kinds.ts";

/** Whether this can be a region's name: it becomes one label of the API's host name. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** Checks a region's name; which regions exist changes, and is not known here. */
export function parseRegion(text: string): Parsed<string> {
  return isRegion(text) ? { value: text } : { fault: "a region's name looks like eu-west-1" };
}

/** Checks the URL of an API. */
export function parseEndpointUrl(text: string): Parsed<string> {
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  return ["http:", "https:"].includes(protocol)
    ? { value: text }
    : { fault: "a URL begins with http:// or https://, as in https://10.0.0.1:4566" };
}
