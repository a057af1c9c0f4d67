/** The API: its replies, through the client and the SDK without a socket, and the retries. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createClient } from "../../lib/aws/client.ts";
import { ApiError } from "../../lib/aws/errors.ts";
import { attemptTime, backOff } from "../../lib/aws/retry.ts";
import { nextPollIn, observe } from "../../lib/registration/poll_schedule.ts";
import { anyText, asyncProperty, type Property, property } from "./property.ts";

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123";
const TARGET = { id: "10.0.0.1" };

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Does something with a client whose requests all get this reply. */
async function answered<T>(
  { status, body }: Reply,
  work: (client: ReturnType<typeof createClient>) => Promise<T>,
): Promise<T> {
  Deno.env.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
  Deno.env.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  const real = globalThis.fetch;
  globalThis.fetch = () => {
    const isEmpty = [204, 205, 304].includes(status);
    return Promise.resolve(new Response(isEmpty ? null : body, { status }));
  };
  try {
    using client = createClient({ region: "eu-west-1", endpointUrl: "http://127.0.0.1:9" });
    return await work(client);
  } finally {
    globalThis.fetch = real;
  }
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
      const signal = new AbortController().signal;
      try {
        const health = await answered(
          reply,
          (client) => client.describeTargetHealth(ARN, TARGET, { signal }),
        );
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
      const signal = new AbortController().signal;
      const body = "<DescribeTargetHealthResponse><DescribeTargetHealthResult>" +
        "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id></Target><TargetHealth>" +
        `<State>${state}</State><Reason>${reason}</Reason>` +
        `<Description>${escape(description)}</Description>` +
        "</TargetHealth></member></TargetHealthDescriptions>" +
        "</DescribeTargetHealthResult></DescribeTargetHealthResponse>";
      const health = await answered(
        { status: 200, body },
        (client) => client.describeTargetHealth(ARN, TARGET, { signal }),
      );
      assertEquals(health, { target: TARGET, state, reason, description });
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
      const fault = new ApiError("any", {
        call: "RegisterTargets",
        code,
        retryable: true,
        effect: "none",
        ...(retryAfter !== null && { retryAfter }),
      });
      const clock = {
        now: () => 0,
        random: () => chance,
        within: () => new AbortController().signal,
      };
      const pause = backOff(fault, { failedBefore, left }, clock);
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
      const healthCheck = {
        enabled: true,
        intervalSeconds,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      };
      const health = { target: { id: "10.0.0.1" }, state: "unhealthy" };
      const known = since > now ? undefined : observe(undefined, health, since);
      const pause = nextPollIn(healthCheck, now, known, chance);
      assert(pause >= 500 && pause <= 75_000, String(pause));
    },
  ),
];
