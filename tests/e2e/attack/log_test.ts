/** What others say, and what they were told in confidence, in every output at debug level. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { QuotingApi } from "../endpoints.ts";
import { Scene } from "../scene.ts";
import { SidecarProcess } from "../sidecar_process.ts";
import { type Case, sideBySide } from "../side_by_side.ts";

const FORMATS = ["text", "json"] as const;
type Format = typeof FORMATS[number];

/** Stands in everything that must not be read anywhere. */
const SECRET = "Zq7SECRET";
const TIME = "2026-01-01T00:00:00.000Z";

/** Texts that forge a field, a line, or what a terminal shows. */
const FORGERIES = [
  "TooManyTargets exit_code=0",
  'x" exit_code=0 "',
  "a\u2028INFO exit_code=0",
  "\u001b[2J\u001b]0;title\u0007\u009b31m",
  "\u202eexit\u2066\u200b\u{e0041}",
  // The last one: of an error's message, only the first line is read.
  `a\r\n${TIME} INFO  stopped exit_code=0`,
];

/** No terminal acts on a line, and all of them are ours. */
function assertHonest(lines: readonly string[], format: Format, exitCode: number): void {
  for (const line of lines) {
    assertMatch(line, /^[\P{C}]*$/u);
    assert(!line.includes(SECRET), line);
    if (format === "json") JSON.parse(line);
    else assertMatch(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (DEBUG|INFO |WARN |ERROR) /);
  }
  const codes = lines.map((line) => exitCodeOf(line, format)).filter((code) => code !== undefined);
  assertEquals(codes, [String(exitCode)], lines.join("\n"));
}

/** As a parser of the format reads it; that of a command is its own. */
function exitCodeOf(line: string, format: Format): string | undefined {
  if (format === "json") {
    const { exit_code: code, command } = JSON.parse(line);
    return code === undefined || command !== undefined ? undefined : String(code);
  }
  const unquoted = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, "");
  if (/ command=/.test(unquoted)) return undefined;
  return / exit_code=(\S+)/.exec(unquoted)?.[1];
}

/** Answers every request with an error that says this, and repeats the request. */
function echoing(say: string): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  return Deno.serve(options, async (request) => {
    const headers = [...request.headers].map(([name, value]) => `${name}: ${value}`);
    return new Response([say, request.url, ...headers, await request.text()].join("\n"), {
      status: 403,
    });
  });
}

/** A whole lifecycle with hooks and webhooks that print whatever they like. */
function hooks(format: Format): Case {
  return {
    name: `hooks and webhooks forge nothing and give away nothing: ${format}`,
    run: async () => {
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, FORGERIES.join("\n"));
      await using webhook = echoing(FORGERIES.join(" "));
      const { port } = webhook.addr;
      const url = `http://user:${SECRET}p@127.0.0.1:${port}/a/${SECRET}%20b?token=${SECRET}`;
      const command = `cat ${file}; env; exit 3 # https://a:${SECRET}@h/${SECRET}?${SECRET}`;
      const session = `${SECRET}/session+token==`;
      await using scene = await Scene.start({
        args: [
          `-log-format=${format}`,
          "-log-level=debug",
          `-post-register-command=${command}`,
          `-pre-deregister-url=${url}1`,
        ],
        env: {
          NLB_REGISTRATOR_POST_DEREGISTER_URL: url,
          AWS_CONTAINER_AUTHORIZATION_TOKEN: session,
        },
      });
      await scene.sidecar.line(/serving until/);
      scene.sidecar.signal("SIGTERM");
      const { log } = await scene.sidecar.ended();
      // A hook's environment has a webhook's URL too, and the hook prints that on purpose.
      const lines = log.filter((line) => !line.includes("NLB_REGISTRATOR_POST_DEREGISTER_URL"));
      const text = log.join("\n");
      assertHonest(lines, format, 0);
      assertStringIncludes(text, "hook output");
      assertStringIncludes(text, "the webhook answered with status 403");
      assertStringIncludes(text, `http://127.0.0.1:${port}`);
      await Deno.remove(file);
      return `${FORGERIES.length} forgeries and 7 secrets, ${lines.length} lines of our own`;
    },
  };
}

/** The API's errors end a start: log and termination log say so. */
function errors(format: Format): Case {
  return {
    name: `an error of the API forges nothing and gives away nothing: ${format}`,
    run: async () => {
      const codes = FORGERIES.slice(0, 1).map((code) => code.replaceAll(/[^\w= ]/g, ""));
      const came: string[] = [];
      for (const [index, code] of [...codes, "AccessDenied"].entries()) {
        const file = await Deno.makeTempFile();
        await using api = new QuotingApi(code, FORGERIES.join(" "));
        await using sidecar = new SidecarProcess({
          args: [
            ...["-target-group-name=kafka", "-target-id=10.0.0.1", "-log-level=debug"],
            ...[`-log-format=${format}`, `-termination-log=${file}`, "-resolve-timeout=30s"],
          ],
          env: {
            ...{ AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: api.url },
            AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
            AWS_SECRET_ACCESS_KEY: `${SECRET}/bPxRfiCYEXAMPLEKEY`,
            AWS_SESSION_TOKEN: `${SECRET}/session+token==`,
          },
        });
        const { log } = await sidecar.ended();
        assertHonest(log, format, 3);
        const written = await Deno.readTextFile(file);
        assertMatch(written, /^[\P{C}]*\n$/u);
        assertStringIncludes(written, "DescribeTargetGroups: ");
        assert(!written.includes(SECRET), written);
        assertStringIncludes(api.lastQuote, SECRET);
        await Deno.remove(file);
        came.push(`error ${index + 1}: ${log.length} lines`);
      }
      return came.join(", ");
    },
  };
}

/** Faulty settings, in flags and in the environment. */
function usage(format: Format): Case {
  return {
    name: `usage errors give away nothing: ${format}`,
    run: async () => {
      const file = await Deno.makeTempFile();
      await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
      await using sidecar = new SidecarProcess({
        args: [
          ...[`-log-format=${format}`, `-termination-log=${file}`],
          `-post-register-url=https://user:${SECRET}@hooks.example:0/${SECRET}`,
          `-post-register-command=curl 'https://h/${SECRET}`,
          `-wait-for=http://u:${SECRET}@127.0.0.1/`,
          `---x=${SECRET}`,
          ...["-region=eu-west-1\u001b[2J\u202e\nforged", "-\u202ex"],
        ],
        env: {
          ...emulator.environment,
          NLB_REGISTRATOR_PRE_REGISTER_URL: `https:/hooks.example/${SECRET}\u202e\n`,
          NLB_REGISTRATOR_ENDPOINT_URL: `http://u:${SECRET}@h/`,
        },
      });
      const { code, log } = await sidecar.ended();
      assertEquals([code, emulator.events], [2, []]);
      const written = await Deno.readTextFile(file);
      for (const text of [log.join("\n"), written]) {
        assert(!text.includes(SECRET), text);
        assertMatch(text, /^[\P{C}\n]*$/u);
        assert(!/^forged/m.test(text), text);
        assertStringIncludes(text, "hooks.example");
      }
      if (format === "json") {
        const messages = log.map((line) => {
          const { level, exit_code, message } = JSON.parse(line);
          assertEquals([level, exit_code], ["error", 2]);
          return String(message);
        });
        assertEquals(written.trim(), messages.join("; "));
      }
      await Deno.remove(file);
      return `exit 2, ${log.length} lines`;
    },
  };
}

sideBySide(FORMATS.flatMap((format) => [hooks(format), errors(format), usage(format)]));
