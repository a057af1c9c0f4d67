/** Replies of the API, through the client and the SDK, without a socket. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createClient } from "../../lib/aws/client.ts";
import { ApiError } from "../../lib/aws/errors.ts";
import { anyText, asyncProperty, type Property } from "./property.ts";

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

export const REPLIES: readonly Property[] = [
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
];
