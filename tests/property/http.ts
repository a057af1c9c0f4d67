/** The file with the bearer token, and the header that shows it; with real files. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Log } from "../../lib/host/log.ts";
import { TokenFile } from "../../lib/http/token.ts";
import { anyText, asyncProperty, type Property } from "./property.ts";

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function withFile(bytes: Uint8Array, test: (file: TokenFile) => Promise<void>) {
  const path = await Deno.makeTempFile({ prefix: "token-" });
  try {
    await Deno.writeFile(path, bytes);
    await test(new TokenFile(path, SILENT));
  } finally {
    await Deno.remove(path);
  }
}

const TOKEN = "s3cret.To-ken_";

/** Headers that are nearly right, and others. */
const header = fc.oneof(
  anyText,
  fc.array(fc.constantFrom("Bearer", "bearer", "Basic", TOKEN, " ", "\t", ",", "x"), {
    maxLength: 6,
  }).map((parts) => parts.join("")),
);

export const HTTP: readonly Property[] = [
  asyncProperty(
    "any bytes in a token file are one token, which nothing else passes for, or let nobody in",
    0.1,
    fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      anyText.map((text) => new TextEncoder().encode(text)),
    ),
    (bytes) =>
      withFile(bytes, async (file) => {
        const token = await file.check();
        if (token === undefined) {
          const text = new TextDecoder().decode(bytes);
          for (const shown of [text, text.trim(), "", "x"]) {
            assertEquals(await file.admits(`Bearer ${shown}`), false);
          }
          return;
        }
        assert(!/\s/.test(token) && token !== "");
        assertEquals(await file.admits(`Bearer ${token}`), true);
        for (const shown of [`${token}x`, token.slice(1), `x${token}`]) {
          assertEquals(await file.admits(`Bearer ${shown}`), false);
        }
      }),
  ),
  asyncProperty(
    "any Authorization header shows the token, or is turned away",
    0.1,
    header,
    (text) =>
      withFile(new TextEncoder().encode(`${TOKEN}\n`), async (file) => {
        const [scheme = "", ...rest] = text.split(/ +/);
        const isRight = scheme.toLowerCase() === "bearer" && rest[0] === TOKEN &&
          rest.slice(1).every((one) => one === "");
        assertEquals(await file.admits(text), isRight);
      }),
  ),
];
