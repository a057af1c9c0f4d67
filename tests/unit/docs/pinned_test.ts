/** Tables and samples of the docs that the code determines. */
import { assert, assertEquals } from "@std/assert";
import type { Flag } from "../../../lib/config/flag.ts";
import { flag, FLAGS, isFlagName } from "../../../lib/config/flags.ts";
import { fleetGraceSeconds } from "../../../lib/preflight.ts";
import { createHooks } from "../../../lib/hooks/runner.ts";
import { systemClock } from "../../../lib/host/clock.ts";
import { EXIT, EXIT_DESCRIPTIONS } from "../../../lib/host/exit.ts";
import { LEAST_NEEDS, neededPermissions, PERMISSION_NAMES } from "../../../lib/host/permissions.ts";
import { configOf } from "../config/_reading.ts";
import { KeptLog } from "../kept_log.ts";
import { blocksOf, read, tableAfter } from "./_docs.ts";

/** In the order of the table in the code. */
function flagRows(): string[][] {
  return Object.keys(FLAGS).filter(isFlagName)
    .map((name) => [`\`-${name}\``, defaultOf(flag(name)), meaningOf(flag(name))]);
}

function defaultOf(one: Flag): string {
  if (one.fallback !== undefined) return `\`$${one.fallback}\``;
  return one.default === "" ? "" : `\`${one.default}\``;
}

function meaningOf(one: Flag): string {
  return one.help + (one.list ? " (may be repeated)" : "");
}

Deno.test("docs/flags.md has a row for every flag, as the code declares it", () => {
  const expected = flagRows();
  assertEquals(
    tableAfter("docs/flags.md", "<!-- flags:"),
    expected,
    "the rows to paste (then run `deno fmt`):\n" +
      expected.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
});

Deno.test("docs/scale.md has the grace period that -check prints", () => {
  const source = read("docs/scale.md");
  const head = /^\| pods that stop together +\|(.*)\|$/m.exec(source)?.[1] ?? "";
  const numbers = (cells: readonly string[]) =>
    cells.map((cell) => Number(cell.trim().replace(",", "")));
  const [seconds = []] = tableAfter("docs/scale.md", "<!-- grace:");
  assertEquals(numbers(seconds.slice(1)), numbers(head.split("|")).map(fleetGraceSeconds));
});

/** The rows of a page's table that the other table does not have. */
function strays(
  marker: string,
  others: readonly (readonly string[])[],
  page = "README.md",
): string[] {
  const rows = tableAfter(page, marker).map((row) => row.join(" | "));
  assert(rows.length > 0);
  return rows.filter((row) => !others.some((other) => other.join(" | ") === row));
}

Deno.test("the README's ten flags are described as in docs/flags.md", () => {
  assertEquals(tableAfter("README.md", "<!-- flags:").length, 10);
  assertEquals(strays("<!-- flags:", flagRows()), []);
});

for (const page of ["README.md", "docs/fit.md"]) {
  Deno.test(`${page} compares strategies by the figures of docs/rollout.md`, () => {
    const measured = tableAfter("docs/rollout.md", "## Strategies").map((row) => row.slice(0, 4));
    assertEquals(strays("<!-- compared:", measured, page), []);
  });
}

Deno.test("the README's table of exit codes is the one of the code", () => {
  const descriptions: Readonly<Record<string, string>> = EXIT_DESCRIPTIONS;
  const expected = Object.entries(EXIT).map(([name, code]) => [String(code), descriptions[name]]);
  assertEquals(tableAfter("README.md", "<!-- exit codes:"), expected);
});

Deno.test("docs/security.md says which permissions are kept, as the code keeps them", () => {
  const always = neededPermissions(LEAST_NEEDS);
  const sometimes = neededPermissions({ commands: true, homeFolder: true });
  const expected = PERMISSION_NAMES.map((name) => [
    `\`${name}\``,
    always.includes(name) ? "kept" : sometimes.includes(name) ? "given back, unless" : "given back",
  ]);
  const rows = tableAfter("docs/security.md", "<!-- permissions:");
  const said = rows.map((
    [name, text = ""],
  ) => [name, /^(kept|given back(, unless)?)/.exec(text)?.[0]]);
  assertEquals(said, expected);
});

/** Cells that name no test there is, as "`file`: a part…another part of its text". */
function withoutTest(cells: readonly string[]): string[] {
  return cells.filter((cell) => {
    const [, path = "", name = ""] = /^`(.+?)`: (.+)$/.exec(cell) ?? [];
    const source = path === "" ? "" : read(path);
    return name === "" || !name.split("…").every((part) => source.includes(part));
  });
}

Deno.test("docs/security.md names a test for each threat, and it exists", () => {
  const cells = tableAfter("docs/security.md", "<!-- threats:").map(([, , cell = ""]) => cell);
  assertEquals(withoutTest(cells), []);
});

Deno.test("docs/fit.md names a test that exists for each row, or says that it was not tried", () => {
  const tables = ["<!-- fit:", "<!-- fit nodes:", "<!-- fit groups:"];
  const cells = tables.flatMap((one) => tableAfter("docs/fit.md", one).map((row) => row[2] ?? ""));
  assert(cells.length >= 20);
  assertEquals(withoutTest(cells).filter((cell) => cell !== "not tried"), []);
});

Deno.test("docs/hooks.md shows the document that a webhook gets", async () => {
  const [block] = blocksOf("docs/hooks.md").filter(({ language }) => language === "json");
  const shown = JSON.parse(block?.text ?? "");
  const posted = Promise.withResolvers<unknown>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      posted.resolve(await request.json());
      return new Response(null, { status: 204 });
    },
  );
  const url = `-post-register-url=http://127.0.0.1:${server.addr.port}`;
  const settings = configOf([url]).hooks;
  const hooks = createHooks(settings, { clock: systemClock, log: new KeptLog(), shell: false });
  const { event, target, targetGroups, state } = shown;
  const context = {
    event,
    targetId: target,
    targetGroupArns: targetGroups,
    state,
    timeout: 60_000,
  };
  await hooks.run(context, new AbortController().signal);
  assertEquals(await posted.promise, shown);
});
