import { abortable } from "@std/async/abortable";
import { assertEquals } from "@std/assert";
import { readConfig } from "../../../lib/config/config.ts";
import { rehearseLifecycle } from "../../../lib/lifecycle/rehearsal.ts";

/** Far more than it takes; far less than any timeout that it could run into. */
const PATIENCE_MS = 1_000;

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "the defaults": [],
  "an instance and a port": ["-target-id=i-0123456789abcdef0", "-target-port=9092"],
  "everything that waits": [
    ...["-require-in-service", "-wait-idle", "-watch-interval=5s", "-grace-period=60s"],
    ...["-min-drain-time=20s", "-wait-for=http://127.0.0.1:1/ready"],
  ],
  "hooks and endpoints": ["-pre-deregister-command=false", "-listen=127.0.0.1:0"],
};

for (const [what, flags] of Object.entries(FLAGS)) {
  Deno.test(`a rehearsal with ${what} runs from the first step to the last at once`, async () => {
    const groups = ["-target-group-name=one", "-target-group-name=two"];
    const target = what === "the defaults" ? ["-target-id=10.0.0.1"] : [];
    const reading = readConfig([...groups, ...target, ...flags], { POD_IP: "10.0.0.1" });
    if (reading.kind !== "run") throw new Error(`bad flags: ${JSON.stringify(reading)}`);
    const rehearsal = rehearseLifecycle(reading.config);
    const { exit, message } = await abortable(rehearsal, AbortSignal.timeout(PATIENCE_MS));
    assertEquals([exit, message], ["done", "stopped: the target is deregistered"]);
  });
}
