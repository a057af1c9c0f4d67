/** Several owners of one target group: other sidecars, and targets registered by hand. */
import { assertEquals } from "@std/assert";
import { test } from "../test.ts";
import { Scene, TARGET } from "./scene.ts";
import { SidecarProcess } from "./sidecar_process.ts";

/** In a group of addresses, one by hand, one of a sidecar that stays, and one that goes. */
const BY_HAND = { id: "10.0.9.9", port: 9092 };
const STAYS = "10.0.0.2";

for (const how of ["SIGTERM", "SIGTERM during its registration"] as const) {
  test(`several owners of one group: ${how} of a sidecar changes its own target alone`, async () => {
    await using scene = await Scene.start({
      group: { health: { check: "assumed", after: 200, healthy: true } },
    });
    const { emulator, sidecar } = scene;
    emulator.registerByOther("kafka", BY_HAND);
    await using other = new SidecarProcess({
      args: ["-target-group-name=kafka", `-target-id=${STAYS}`],
      env: emulator.environment,
    });
    await other.line(/target is in service/);
    if (how === "SIGTERM") await sidecar.line(/target is in service/);
    else await scene.received("RegisterTargets");
    sidecar.signal("SIGTERM");
    assertEquals((await sidecar.ended()).code, 0);
    const left = emulator.registered("kafka");
    assertEquals(left.map(({ id }) => id).sort(), [STAYS, BY_HAND.id]);
    assertEquals(left.map(({ state }) => state), ["healthy", "healthy"]);
    assertEquals(emulator.targets("kafka").some(({ id }) => id === TARGET), true, "it drains");
    other.signal("SIGTERM");
    assertEquals((await other.ended()).code, 0);
    assertEquals(emulator.registered("kafka").map(({ id }) => id), [BY_HAND.id]);
  });
}
