/** `deno task test tests/image/checks.ts`: the image as it is built and run, and what must hold of it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { outputOf } from "../../tools/process.ts";
import { Container, ImageScene, MEMORY_MIB, RESTRICTED, startGroup, TARGET } from "./container.ts";
import { IMAGE, prepareEngine } from "./engine.ts";
import { PrivateServer } from "../emulator/private_server.ts";

const folder = await Deno.makeTempDir({ prefix: "image-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const engine = await prepareEngine(`${folder}/engine`);
await engine.build();
console.log(`the image is built; its bases are ${engine.standsIn ? "stand-ins" : "the real ones"}`);

/** The processes are real ones, so there is nothing to sanitize in here. */
function imageTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

imageTest("the image has a numeric user, a HOME, one program, and says what it is", async () => {
  const [{ Config: config }] = JSON.parse(await engine.podman(["image", "inspect", IMAGE]));
  assertEquals(config.User, "65532:65532");
  assert(config.Env.includes("HOME=/home/nonroot"));
  assertEquals(config.Entrypoint, ["/k8s-nlb-registrator-sidecar"]);
  const label = (name: string) => config.Labels[`org.opencontainers.image.${name}`];
  assertEquals(label("title"), "k8s-nlb-registrator-sidecar");
  assertEquals(label("licenses"), "Apache-2.0");
  assertEquals(label("revision"), "0123456789ab");
  assertEquals(label("version"), "test");
});

imageTest(
  "the compiled code in the image is used, is root's, and cannot be replaced",
  async () => {
    for (const user of ["0:0", "65532:65532"]) {
      const id = await engine.podman(["create", `--user=${user}`, IMAGE, "-version"]);
      const version = await engine.podman(["start", "--attach", id]);
      assertStringIncludes(version, `(commit 0123456789ab, deno ${engine.version})`);
      // Root could write: had the program refused the file, it would have made it anew.
      assertEquals((await engine.podman(["diff", id])).includes("/var/cache"), false, user);
      await engine.podman(["rm", id]);
    }
    const cache = `${await engine.podman([
      "image",
      "mount",
      IMAGE,
    ])}/var/cache/k8s-nlb-registrator-sidecar`;
    const files = [...Deno.readDirSync(cache)].map(({ name }) => `${cache}/${name}`);
    assertEquals(files.length, 1);
    for (const path of [cache, ...files]) {
      const { uid, mode } = await Deno.stat(path);
      assertEquals([uid, (mode ?? 0) & 0o022], [0, 0], path);
    }
    await engine.podman(["image", "unmount", IMAGE]);
  },
);

imageTest("the image has no shell", async () => {
  const shell = ["--entrypoint=/bin/sh", IMAGE, "-c", "true"];
  const { success } = await engine.command(["run", "--rm", ...RESTRICTED, ...shell]).output();
  assertEquals(success, false);
});

imageTest(
  `podman stop ends the lifecycle with 0, within ${MEMORY_MIB} MiB, nothing registered`,
  async () => {
    await using scene = await ImageScene.start(engine, { args: ["-log-level=debug"] });
    const log = await scene.live();
    assertMatch(log, /permissions kept permissions=net,env,read$/m);
  },
);

imageTest("hooks run without a shell", async () => {
  const busybox = await outputOf("sh", ["-c", "realpath $(command -v busybox)"]);
  await using scene = await ImageScene.start(engine, {
    args: ["-post-register-command=/hook/echo 'two words' one"],
    options: [`--volume=${busybox}:/hook/echo:ro`],
  });
  const log = await scene.live();
  assertMatch(log, /hook output .*"two words one"/);
  assertMatch(log, /hook succeeded event=post-register/);
});

imageTest("a hook that takes a shell is refused at the start", async () => {
  await using scene = await ImageScene.start(engine, {
    args: ["-post-register-command=echo a | cat"],
  });
  assertEquals(await scene.container.exitCode(), 2);
  assertStringIncludes(await scene.container.log(), "the image has no /bin/sh to run it");
});

imageTest("the reason for a failure is in the termination log, whoever the user is", async () => {
  const file = `${folder}/termination-log`;
  await Deno.writeTextFile(file, "");
  // As the kubelet makes it.
  await Deno.chmod(file, 0o666);
  await using scene = await ImageScene.start(engine, {
    args: ["-target-group-name=unknown"],
    options: [`--volume=${file}:/dev/termination-log`, "--user=4321"],
  });
  assertEquals(await scene.container.exitCode(), 3);
  assertMatch(await Deno.readTextFile(file), /^target group unknown does not exist in .*\n$/);
});

imageTest(
  "an API behind a private certificate authority is trusted when its certificate is given",
  async () => {
    await using emulator = await startGroup();
    using server = await PrivateServer.start(folder, emulator.url);
    const start = (trust: Readonly<Record<string, string>>) =>
      Container.start(engine, {
        args: [
          ...["-target-group-name=kafka", `-target-id=${TARGET}`, "-resolve-timeout=5s"],
          `-endpoint-url=${server.url}`,
        ],
        env: { ...emulator.environment, ...trust },
        options: [`--volume=${server.authority}:/authority.pem:ro`],
      });
    await using trusting = await start({
      DENO_TLS_CA_STORE: "system",
      SSL_CERT_FILE: "/authority.pem",
    });
    await trusting.line(/serving until/);
    assertEquals(await trusting.stop(), 0);
    await using strict = await start({});
    assertEquals(await strict.exitCode(), 3);
    assertMatch(await strict.log(), /certificate/);
    assertEquals(emulator.registered("kafka"), []);
  },
);
