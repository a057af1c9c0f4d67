import { assertEquals } from "@std/assert";
import { noProxy } from "../../../lib/host/proxy.ts";

Deno.test("noProxy() adds loopback and link-local addresses to what is given, if there is a proxy", () => {
  const direct = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fe80::/10,fd00:ec2::/32";
  assertEquals(noProxy({ NO_PROXY: "example.com" }), undefined);
  for (const name of ["HTTP_PROXY", "https_proxy", "ALL_PROXY"]) {
    assertEquals(noProxy({ [name]: "http://10.0.0.9" }), direct);
    const given = { [name]: "http://10.0.0.9", NO_PROXY: "example.com", no_proxy: "10.0.0.0/8" };
    assertEquals(noProxy(given), `example.com,10.0.0.0/8,${direct}`);
  }
});
