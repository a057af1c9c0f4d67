/** Replies as XML documents. */
import { XMLBuilder } from "fast-xml-parser";
import type { AwsError } from "./errors.ts";

/** The content of an XML element. */
export type Xml = string | number | boolean | readonly Xml[] | { readonly [name: string]: Xml };

/** A reply, ready to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** The error code in it. */
  readonly code?: string;
}

/** A service of the Query protocol. */
export interface Service {
  readonly version: string;
  readonly namespace: string;
  /** The service's name in signatures. */
  readonly signedAs: string;
}

export const ELB: Service = {
  version: "2015-12-01",
  namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
  signedAs: "elasticloadbalancing",
};

export const STS: Service = {
  version: "2011-06-15",
  namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  signedAs: "sts",
};

const builder = new XMLBuilder({ ignoreAttributes: false, suppressEmptyNode: true });

/** A list as the protocol writes it: an element with one `member` for each item. */
export function members(items: readonly Xml[]): Xml {
  return items.length === 0 ? "" : { member: items };
}

/** The reply to an action that was done. */
export function resultReply(service: Service, action: string, result: Xml): Reply {
  const requestId = crypto.randomUUID();
  return xmlReply(200, requestId, {
    [`${action}Response`]: {
      "@_xmlns": service.namespace,
      [`${action}Result`]: result,
      ResponseMetadata: { RequestId: requestId },
    },
  });
}

/** The reply to an action that failed. */
export function errorReply(service: Service, error: AwsError): Reply {
  const requestId = crypto.randomUUID();
  const reply = xmlReply(error.status, requestId, {
    ErrorResponse: {
      "@_xmlns": service.namespace,
      Error: {
        Type: error.status < 500 ? "Sender" : "Receiver",
        Code: error.code,
        Message: error.message,
      },
      RequestId: requestId,
    },
  });
  return { ...reply, code: error.code };
}

/** What a proxy on the way might say. */
export function htmlReply(status: number, title: string): Reply {
  return {
    status,
    headers: { "content-type": "text/html" },
    body: `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  };
}

function xmlReply(status: number, requestId: string, document: Xml): Reply {
  return {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": requestId },
    body: builder.build(document),
  };
}
