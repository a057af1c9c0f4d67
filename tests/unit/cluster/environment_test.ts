import { assert, assertEquals } from "@std/assert";
import { expand } from "../../cluster/expansion.ts";
import { cluster, container, deployment, nth, SERVES } from "./_cluster.ts";

const FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.labels['app']",
  "metadata.annotations['note']",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

Deno.test("variables can be fields of the pod", async () => {
  await using world = cluster();
  const env = FIELDS.map((fieldPath, index) => ({
    name: `F${index}`,
    valueFrom: { fieldRef: { fieldPath } },
  }));
  const script = FIELDS.map((_, index) => `echo ${index}=$F${index}`).join("; ");
  world.apply(deployment({
    serviceAccountName: "account",
    containers: [container("main", `${script}; ${SERVES}`, { env })],
  }, { annotations: { note: "a note" } }));
  const [pod] = world.pods;
  assert(pod?.identity);
  await pod.container("main").line(/up/);
  const { name, uid, ip, hostIP } = pod.identity;
  const values = [
    name,
    "default",
    uid,
    "app",
    "a note",
    "node-1",
    "account",
    hostIP,
    hostIP,
    ip,
    ip,
  ];
  assertEquals(world.log(name, "main").slice(0, -1), values.map((value, at) => `${at}=${value}`));
  assertEquals([hostIP, ip].map((address) => address.split(".")[0]), ["127", "127"]);
});

Deno.test("$(VAR) stands for a variable in commands, arguments and the values of later variables", async () => {
  await using world = cluster();
  world.apply(deployment({
    containers: [container("main", "", {
      command: ["$(SHELL_PATH)"],
      args: ["-c", `echo '$(BOTH) $$(ONE) $(OTHER)'; ${SERVES}`],
      env: [
        { name: "SHELL_PATH", value: "/bin/sh" },
        { name: "ONE", value: "1" },
        { name: "BOTH", value: "$(ONE)$(LATER)" },
        { name: "LATER", value: "2" },
      ],
    })],
  }));
  const [pod] = world.pods;
  assert(pod);
  assertEquals(await pod.container("main").line(/./), "1$(LATER) $(ONE) $(OTHER)");
});

for (
  const [text, expected] of [
    ["$(A)", "1"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$(B)-$(A)", "$(B)-1"],
    ["$A $ $(A", "$A $ $(A"],
  ] as const
) {
  Deno.test(`expand() makes ${text} to ${expected}`, () => {
    assertEquals(expand(text, new Map([["A", "1"]])), expected);
  });
}

Deno.test("hooks by exec run with the container's environment", async () => {
  await using world = cluster();
  const command = ["/bin/sh", "-c", 'test "$WORD" = yes'];
  world.apply(deployment({
    containers: [container("main", SERVES, {
      env: [{ name: "WORD", value: "yes" }],
      lifecycle: { postStart: { exec: { command } } },
    })],
  }));
  const ended = await nth(world, "hook-ended");
  assert(ended.kind === "hook-ended");
  assertEquals(ended.outcome, "done");
});
