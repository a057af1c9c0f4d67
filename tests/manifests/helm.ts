/** `helm template` for a chart that uses the library in `deploy/helm`. */
import { parse, parseAllDocuments } from "yaml";
import { GoTemplates } from "./go_template.ts";
import type { Part } from "./kustomize.ts";

const LIBRARY = "deploy/helm/nlb-registrator";
const read = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

/** The library's values: its defaults, and over them those that a chart sets. */
export function valuesOf(own: Part): Part {
  return { ...parse(read(`${LIBRARY}/values.yaml`)), ...own };
}

/**
 * The manifests of a template that uses the library.
 * @param template The text of a file in `templates/`.
 * @param values Those below `nlb-registrator`.
 * @throws {Error} The template calls `fail`, or needs something that is not implemented.
 */
export function helm(template: string, values: Part): Part[] {
  const templates = new GoTemplates();
  templates.parse(read(`${LIBRARY}/templates/_workload.tpl`));
  const render = templates.parse(template);
  const text = render({ Values: { "nlb-registrator": valuesOf(values) } });
  return parseAllDocuments(text).map((document) => document.toJS());
}

/** A template that gives the sidecar to the one workload in a file of plain manifests. */
export function templateOf(manifests: string): string {
  const documents = manifests.split("\n---\n");
  const isWorkload = (text: string) => /^kind: (Deployment|StatefulSet|DaemonSet)/m.test(text);
  const [workload = ""] = documents.filter(isWorkload);
  return [
    `{{- define "own" -}}\n${workload}\n{{- end -}}`,
    ...documents.filter((text) => !isWorkload(text)).map((text) => `${text}\n---`),
    `{{ include "nlb-registrator.workload" (list . "own") }}\n`,
  ].join("\n");
}
