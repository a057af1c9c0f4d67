/** Clients that try to drain the pod without the right to. */
import { connect } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ends, type ListeningScene, serving } from "../drain.ts";
import { sideBySide } from "../side_by_side.ts";

const TOKEN = "tops3cret";
/** Where a proxy in the pod connects from for clients outside. */
const PROXY = "127.0.0.6";
const LOCAL = "Host: localhost";
const BEARER = `Authorization: Bearer ${TOKEN}`;

/** What comes back, for bytes from an address; the client may close its side after them. */
async function answerTo(
  { url }: ListeningScene,
  text: string,
  { from = "127.0.0.1", closes = false } = {},
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const port = Number(new URL(url).port);
  const socket = connect({ host: "127.0.0.1", port, localAddress: from, allowHalfOpen: true });
  let answer = "";
  socket.on("data", (data) => answer += data);
  socket.on("end", () => socket.end()).on("error", () => {}).on("close", () => resolve(answer));
  if (closes) socket.end(text, "latin1");
  else socket.write(text, "latin1");
  return await promise;
}

function request(line: string, ...headers: readonly string[]): string {
  return [line, ...headers, "Connection: close", "", ""].join("\r\n");
}

const drain = (...headers: readonly string[]) => request("GET /drain HTTP/1.1", ...headers);

/** What a request is, its bytes, the status of its answer, and where it comes from. */
type Try = readonly [what: string, text: string, status: number, from?: string];

const REFUSED: readonly Try[] = [
  ["Host is a name", drain("Host: evil.example"), 403],
  ["Host is an address and a name", drain("Host: 127.0.0.1%evil.example"), 403],
  ["Host is a number", drain("Host: 2130706433"), 403],
  ["two Hosts", drain(LOCAL, "Host: evil.example"), 400],
  ["a blank after Host", drain("Host : localhost"), 400],
  ["no Host", drain(), 400],
  ["Origin", drain(LOCAL, "Origin: http://localhost"), 403],
  ["Referer", drain(LOCAL, "Referer: http://localhost/"), 403],
  ["Sec-Fetch-Site", drain(LOCAL, "sEc-fEtCh-sItE: same-origin"), 403],
  ["a browser's User-Agent", drain(LOCAL, "User-Agent: Mozilla/5.0"), 403],
  ["the whole URL", request("GET http://localhost/drain HTTP/1.1", LOCAL), 400],
  ["only an authority", request("CONNECT localhost:80 HTTP/1.1", LOCAL), 400],
  ["an encoded path", request("GET /%64rain HTTP/1.1", LOCAL), 404],
  ["two slashes", request("GET //drain HTTP/1.1", LOCAL), 404],
  ["another path after it", request("GET /livez/../drain HTTP/1.1", LOCAL), 404],
  ["HEAD", request("HEAD /drain HTTP/1.1", LOCAL), 405],
  ["lower case", request("get /drain HTTP/1.1", LOCAL), 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  [
    "chunks that hide it",
    `${request("POST /x HTTP/1.1", LOCAL, "Transfer-Encoding: chunked")}`,
    411,
  ],
  ["a body that hides it", request("GET /livez HTTP/1.1", LOCAL, "Content-Length: +5"), 400],
  ["another container's proxy", drain(LOCAL), 403, PROXY],
  ["the pod's address in headers", drain(LOCAL, "X-Forwarded-For: 127.0.0.1"), 403, PROXY],
  ["a kubelet's User-Agent", drain(LOCAL, "User-Agent: kube-probe/1.34"), 403, PROXY],
  ["half of the token", drain(LOCAL, BEARER.slice(0, -1)), 403, PROXY],
  ["a longer token", drain(LOCAL, `${BEARER}x`), 403, PROXY],
  ["the token twice", drain(LOCAL, BEARER, BEARER), 403, PROXY],
  ["the token for a proxy", drain(LOCAL, `Proxy-${BEARER}`), 403, PROXY],
  ["the token in the query", request(`GET /drain?token=${TOKEN} HTTP/1.1`, LOCAL), 403, PROXY],
  ["a NUL in the token", drain(LOCAL, `${BEARER}\0`), 400, PROXY],
];

const ADMITTED: readonly Try[] = [
  ["the pod", request("POST /register HTTP/1.1", LOCAL), 200],
  ["the token", request("POST /register HTTP/1.1", LOCAL, BEARER), 200, PROXY],
];

/** A sidecar that serves, with a token file. */
async function withToken(token: string, ...args: readonly string[]): Promise<ListeningScene> {
  const file = await Deno.makeTempFile({ prefix: "token-" });
  await Deno.writeTextFile(file, token);
  const group = { deregistrationDelaySeconds: 0 };
  const usual = ["-listen=:0", "-min-drain-time=0s", `-drain-token-file=${file}`];
  const started = await serving({ group, args: [...usual, ...args] });
  const url = started.url.replace("[::]", "127.0.0.1");
  return { ...started, url };
}

async function stop({ scene }: ListeningScene): Promise<void> {
  scene.sidecar.signal("SIGTERM");
  await ends(scene);
}

sideBySide([
  {
    name: "nothing but an admitted request drains",
    run: async () => {
      const attacked = await withToken(TOKEN);
      await using scene = attacked.scene;
      const came: string[] = [];
      for (const [what, text, status, from] of [...REFUSED, ...ADMITTED]) {
        const answer = await answerTo(attacked, text, { ...(from !== undefined && { from }) });
        assertEquals(Number(answer.split(" ")[1]), status, `${what}: ${answer}`);
        came.push(`${what} ${status}`);
      }
      assert(!scene.calls.includes("deregister"), scene.calls);
      const log = scene.sidecar.log.join("\n");
      assertMatch(log, /WARN {2}refused \/drain from 127\.0\.0\.6/);
      assert(!log.includes("-drain-allow=127"), log);
      assert(!log.includes(TOKEN.slice(0, -1)), log);
      await stop(attacked);
      return came.join(", ");
    },
  },
  {
    name: "a client that closes its side after /drain is answered, and the pod drained",
    run: async () => {
      const drained = await withToken(TOKEN);
      await using scene = drained.scene;
      assertMatch(await answerTo(drained, drain(LOCAL), { closes: true }), /\r\n\r\ndrained\n$/);
      assert(scene.calls.includes("deregister"), scene.calls);
      await stop(drained);
      return "drained";
    },
  },
  {
    name: "a token that no header can carry: said at the start, and admits no one",
    run: async () => {
      const locked = await withToken("gehe\u00efm", "-drain-token-required");
      await using scene = locked.scene;
      await scene.sidecar.line(/WARN .*characters other than ASCII: no token is accepted/);
      const came: string[] = [];
      // In Latin-1, as such, and in UTF-8.
      for (const token of ["gehe\u00efm", "gehe\u00c3\u00afm", "", "gehe%C3%AFm"]) {
        const answer = await answerTo(locked, drain(LOCAL, `Authorization: Bearer ${token}`));
        assertMatch(answer, /^HTTP\/1\.1 40[03] /);
        came.push(answer.slice(9, 12));
      }
      assert(!scene.calls.includes("deregister"), scene.calls);
      await stop(locked);
      return came.join(" ");
    },
  },
]);
