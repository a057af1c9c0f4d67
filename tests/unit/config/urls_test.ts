import { assert, assertEquals } from "@std/assert";
import { parseApplicationUrl, parseWebhookUrl } from "../../../lib/config/urls.ts";

const tcp = (url: string, hostname: string, port: number) => ({ kind: "tcp", url, hostname, port });

for (
  const [text, value] of [
    ["tcp://localhost:9092", tcp("tcp://localhost:9092", "localhost", 9092)],
    ["TCP://LocalHost:1/", tcp("tcp://localhost:1", "localhost", 1)],
    ["tcp://127.0.0.1:80", tcp("tcp://127.0.0.1:80", "127.0.0.1", 80)],
    ["tcp://[::1]:65535", tcp("tcp://[::1]:65535", "::1", 65_535)],
    ["http://localhost", { kind: "http", url: "http://localhost/" }],
    ["http://localhost:80/x?y=1#z", { kind: "http", url: "http://localhost/x?y=1" }],
    ["https://[::1]:8443/healthz", { kind: "http", url: "https://[::1]:8443/healthz" }],
  ] as const
) {
  Deno.test(`parseApplicationUrl() reads ${text}`, () => {
    assertEquals<unknown>(parseApplicationUrl(text), { value });
  });
}

for (
  const [text, part] of [
    ["", "looks like tcp://HOST:PORT"],
    ["localhost:9092", "looks like tcp://HOST:PORT"],
    ["tcp:localhost:9092", "looks like tcp://HOST:PORT"],
    ["tcp://", "looks like tcp://HOST:PORT"],
    ["tcp://:9092", "looks like tcp://HOST:PORT"],
    [" tcp://localhost:9092", "looks like tcp://HOST:PORT"],
    ["http://local host/", "looks like tcp://HOST:PORT"],
    ["http:\\\\localhost/", "looks like tcp://HOST:PORT"],
    ["udp://localhost:53", "its scheme is udp"],
    ["ftp://localhost/", "its scheme is ftp"],
    ["tcp://localhost", "it has no port, as in tcp://localhost:9092"],
    ["tcp://localhost:", "its port is empty"],
    ["tcp://localhost:0", "its port is 0; a port is a number from 1 to 65535"],
    ["tcp://localhost:65536", "its port is 65536"],
    ["http://localhost:0/", "its port is 0"],
    ["https://localhost:99999/", "its port is 99999"],
    ["http://localhost:99999999999999999999/", "its port is 99999999999999999999"],
    ["tcp://u:p@localhost:9092", "it holds credentials"],
    ["http://u@localhost/", "it holds credentials"],
    ["tcp://localhost:9092/healthz", "a tcp address has no path"],
    ["tcp://localhost:9092?x", "a tcp address has no path"],
    ["tcp://::1:9092", "its host is none"],
    ["tcp://[::g]:9092", "its host is none"],
    ["http://1.2.3.4.5:80/", "its host is none"],
  ] as const
) {
  Deno.test(`parseApplicationUrl() refuses ${text === "" ? "nothing" : text}: ${part}`, () => {
    const parsed = parseApplicationUrl(text);
    assert("fault" in parsed && parsed.fault.includes(part), JSON.stringify(parsed));
  });
}

Deno.test("parseWebhookUrl() takes http and https, credentials too", () => {
  for (
    const url of ["http://hooks.local:8080/a?b=c", "https://u:p@hooks.example/", "http://[::1]/"]
  ) {
    assertEquals(parseWebhookUrl(url), { value: url });
  }
});

for (
  const [text, part] of [
    ["hooks.example/x", "a webhook's URL looks like"],
    ["https://", "a webhook's URL looks like"],
    ["http://hooks.example/a b", "a webhook's URL looks like"],
    ["tcp://hooks.example:80", "its scheme is tcp"],
    ["file:///etc/passwd", "a webhook's URL looks like"],
    ["http://hooks.example:0/", "its port is 0"],
    ["http://hooks.example:/", "its port is empty"],
    ["http://hooks.example:70000/", "its port is 70000"],
    ["http://[::1/", "its host is none"],
  ] as const
) {
  Deno.test(`parseWebhookUrl() refuses ${text}: ${part}`, () => {
    const parsed = parseWebhookUrl(text);
    assert("fault" in parsed && parsed.fault.includes(part), JSON.stringify(parsed));
  });
}
