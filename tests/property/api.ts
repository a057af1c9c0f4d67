/** The API: its replies, through the client and the SDK without a socket, and the retries. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SdkLoadBalancing } from "../../lib/aws/client.ts";
import { KeptLog } from "../unit/kept_log.ts";
import type { TargetHealth } from "../../lib/aws/elb.ts";
import { ApiError } from "../../lib/aws/errors.ts";
import { attemptTime, backOff } from "../../lib/aws/retry.ts";
import { nextPollIn, observe } from "../../lib/registration/poll_schedule.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { anyText, asyncProperty, type Property, property, withFetch } from "./property.ts";

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123";
const TARGET = { id: "10.0.0.1" };

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** What the client makes of a reply. */
async function healthOf({ status, body }: Reply): Promise<TargetHealth> {
  Deno.env.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
  Deno.env.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  const reply = () => new Response(status === 204 ? null : body, { status });
  return await withFetch(() => Promise.resolve(reply()), async () => {
    using client = new SdkLoadBalancing(
      { region: "eu-west-1", endpointUrl: "http://127.0.0.1:9" },
      new KeptLog(),
    );
    const { signal } = new AbortController();
    return await client.describeTargetHealth(ARN, TARGET, { signal });
  });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Replies that are nearly right: elements that are missing, cut off, twice, or odd inside. */
const nearly = fc.tuple(
  fc.array(fc.oneof(
    fc.constantFrom(
      ...["<TargetHealthDescriptions>", "</TargetHealthDescriptions>", "<member>", "</member>"],
      ...["<Target><Id>10.0.0.1</Id></Target>", "<TargetHealth>", "</TargetHealth>"],
      ...["<State>healthy</State>", "<Reason/>", "<!-- -->", "<![CDATA[x]]>", "&amp;", "&bad;"],
      ...["<?xml version='1.0'?>", "<State a='b'/>", "\0", "<"],
    ),
    anyText,
  )),
  fc.boolean(),
).map(([parts, isWrapped]) => {
  const call = "DescribeTargetHealth";
  const inside = `<${call}Result>${parts.join("")}</${call}Result>`;
  return isWrapped ? `<${call}Response>${inside}</${call}Response>` : parts.join("");
});

const status = fc.constantFrom(200, 200, 200, 204, 302, 400, 403, 404, 429, 500, 503, 504);

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

export const API: readonly Property[] = [
  asyncProperty(
    "any reply is an answer or an ApiError",
    0.01,
    fc.record({ status, body: fc.oneof(nearly, anyText) }),
    async (reply) => {
      try {
        const health = await healthOf(reply);
        assert(typeof health.state === "string" && reply.status < 300);
      } catch (error) {
        assert(error instanceof ApiError, String(error));
        assert(error.message.startsWith("DescribeTargetHealth: "));
      }
    },
  ),
  asyncProperty(
    "what the API says of a target comes through as it was",
    0.01,
    fc.record({
      state: fc.stringMatching(/^[a-z.]{1,20}$/),
      reason: fc.stringMatching(/^[A-Za-z.]{1,30}$/),
      description: fc.string({ unit: "grapheme-ascii", minLength: 1 })
        .filter((text) => text.trim() === text && text.trim() !== ""),
    }),
    async ({ state, reason, description }) => {
      const body = "<DescribeTargetHealthResponse><DescribeTargetHealthResult>" +
        "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id></Target><TargetHealth>" +
        `<State>${state}</State><Reason>${reason}</Reason>` +
        `<Description>${escape(description)}</Description>` +
        "</TargetHealth></member></TargetHealthDescriptions>" +
        "</DescribeTargetHealthResult></DescribeTargetHealthResponse>";
      assertEquals(await healthOf({ status: 200, body }), {
        target: TARGET,
        state,
        reason,
        description,
      });
    },
  ),
  property(
    "a pause between attempts leaves time for another attempt",
    4,
    fc.record({
      code: fc.constantFrom("Throttling", "InternalFailure"),
      retryAfter: fc.option(fc.nat(1e9)),
      failedBefore: fc.nat(2_000),
      left: fc.double({ min: 0, max: 1e7, noNaN: true }),
      chance,
    }),
    ({ code, retryAfter, failedBefore, left, chance }) => {
      const error = new ApiError("any", {
        ...{ call: "RegisterTargets", code, retryable: true, effect: "none" },
        ...(retryAfter !== null && { retryAfter }),
      });
      const pause = backOff(error, { failedBefore, left }, new VirtualClock(() => chance));
      assert(pause >= 0 && pause <= Math.max(1_000, left / 2), `${pause} of ${left}`);
    },
  ),
  property(
    "three attempts fit into any step",
    2,
    fc.double({ min: 1, max: 1e9, noNaN: true }),
    (step) => assert(attemptTime(step) * 3 <= step + 1e-6 && attemptTime(step) > 0),
  ),
  property(
    "a question comes neither at once nor later than the plan's longest pause",
    2,
    fc.tuple(fc.integer({ min: 5, max: 300 }), fc.nat(1e7), fc.nat(1e7), chance),
    ([intervalSeconds, now, since, chance]) => {
      const thresholds = { healthyThreshold: 2, unhealthyThreshold: 2 };
      const healthCheck = { enabled: true, intervalSeconds, ...thresholds };
      const health = { target: TARGET, state: "unhealthy" };
      const known = since > now ? undefined : observe(undefined, health, since);
      const pause = nextPollIn(healthCheck, now, known, chance);
      assert(pause >= 500 && pause <= 75_000, String(pause));
    },
  ),
];
