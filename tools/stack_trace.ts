/**
 * `deno task run tools/stack_trace.ts [MAPS] < LOG`: the log, with places of the bundle's files as
 * places of the source. MAPS is the `sourcemaps.json` of a release, or that of a bundle (default:
 * the one in `dist`).
 */
import { SourceMap } from "node:module";
import { DIST, type SourceMaps } from "./bundle.ts";

/** Replaces `FILE.js:LINE:COLUMN` with the place in the source; what has no map stays. */
export function withSources(text: string, maps: SourceMaps): string {
  return text.replaceAll(/[^\s()]*?([\w-]+\.js):(\d+):(\d+)/g, (place, name, line, column) => {
    const map = maps[name];
    const origin = map && new SourceMap(map).findOrigin(Number(line), Number(column));
    if (origin === undefined || !("fileName" in origin)) return place;
    return `${
      origin.fileName.replace(/^(\.\.\/)+/, "")
    }:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

if (import.meta.main) {
  const [file = `${DIST}/sourcemaps.json`] = Deno.args;
  const text = await new Response(Deno.stdin.readable).text();
  console.log(withSources(text, JSON.parse(await Deno.readTextFile(file))));
}
